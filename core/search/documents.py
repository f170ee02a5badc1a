"""The documents that trackers render for the index, their keys, and the functions that queue changes and deletions."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.apps import apps
from django.db import connection

from core.db.distinct import different_values
from core.db.upsert import as_json


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentMark:
    """A document that is new or has changed, and must be indexed."""

    source_system: str
    external_id: str
    kind: str
    scope_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A part of a document with one author and one time (UTC).

    ``kind`` is what the passage is, in the tracker's words, such as ``comment``.
    """

    text: str
    author: str = ""
    at: datetime | None = None
    url: str = ""
    heading: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedDocument:
    """The current content of a document.

    ``number`` is the number in the source without a sign, such as ``312``. ``state`` is ``open``, ``closed``,
    ``merged`` or empty. ``answered`` is ``None`` if the document is not a question. A ``private`` document is not
    visible to everyone who can see the source. ``language`` is an ISO 639-1 code. If it is empty, it is detected from
    the text. ``changed_at`` is the last change in the source (UTC). ``None`` means the time of the newest passage.
    """

    external_id: str
    kind: str
    title: str
    url: str
    author: str
    occurred_at: datetime | None
    passages: Sequence[Passage]
    number: str = ""
    state: str = ""
    answered: bool | None = None
    labels: Sequence[str] = ()
    private: bool = False
    language: str = ""
    changed_at: datetime | None = None


class DocumentSource(Protocol):
    """The part of a tracker that renders its documents. ``renderer_version`` increases when the rendering changes."""

    source_system: str
    renderer_version: int

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        """Return the documents with these ids. Documents that are left out are removed from the index."""
        ...


MARK = """
    WITH changed AS (
        SELECT * FROM json_to_recordset(%s::json) AS g (source text, external_id text, kind text, scope bigint)
    ), marked AS (
        INSERT INTO core_document AS kept (source_system, external_id, kind, scope_id, version, title, url, author)
        SELECT source, external_id, kind, scope, 1, '', '', '' FROM changed ORDER BY source, external_id
        ON CONFLICT (key) DO UPDATE
            SET version = kept.version + 1, deleted_at = NULL, kind = excluded.kind, scope_id = excluded.scope_id
        RETURNING id
    )
"""
DELETE = """
    WITH marked AS (
        UPDATE core_document SET version = version + 1, deleted_at = %s
        WHERE id IN (
            SELECT id FROM core_document
            WHERE key = ANY(%s) AND deleted_at IS NULL ORDER BY id FOR UPDATE
        )
        RETURNING id
    )
"""
QUEUE = """, queued AS (
    INSERT INTO core_indexentry AS kept (namespace_id, document_id, state, indexed_version, content_hash, embedder,
        renderer_version, chunks, high_water, attempts, last_error)
    SELECT n.id, m.id, 'dirty', 0, '', '', 0, 0, 0, 0, '' FROM marked m, core_namespace n
    WHERE n.state <> 'dropping' ORDER BY m.id, n.id
    ON CONFLICT (namespace_id, document_id) DO UPDATE SET state = 'dirty', next_try_at = NULL
    RETURNING 1
) SELECT count(*) FROM marked
"""
"""Part of a statement that queues documents in every namespace that is not being dropped. Before the first sync, there
is no namespace. The first sync creates a namespace and queues all documents."""


def document_key(source_system: str, external_id: str) -> UUID:
    """Return the key of a document: the MD5 of the source system, a space and the external id.

    PostgreSQL computes the same value in ``Document.key``. A key has 16 bytes. An index of external ids, which have
    about 80 bytes, would be as large as the table.
    """
    text = f"{source_system} {external_id}".encode(errors="surrogatepass")  # a query may contain any text
    return UUID(bytes=hashlib.md5(text, usedforsecurity=False).digest())


def possible_keys(external_ids: Iterable[str]) -> list[UUID]:
    """Return the keys of these external ids for each source that has a scope, because the source is not known."""
    names = set(external_ids)
    scope = apps.get_model("core", "Scope")  # trackers import this module before Django has loaded the models
    sources = different_values(scope, "source_system") if names else []
    return [document_key(source, name) for source in sources for name in names]


def mark_changed(marks: Iterable[DocumentMark]) -> int:
    """Create or change documents and queue them, in the caller's transaction. Return the number of documents.

    The version of each document increases, and a tombstone becomes a document again. Raises RuntimeError outside of a
    transaction.
    """
    ordered = sorted({(m.source_system, m.external_id): m for m in marks}.items())
    if not ordered:
        return 0
    _need_transaction()
    rows = [
        {"source": mark.source_system, "external_id": mark.external_id, "kind": mark.kind, "scope": mark.scope_id}
        for _, mark in ordered
    ]
    with connection.cursor() as cursor:
        cursor.execute(MARK + QUEUE, [as_json(rows)])  # psycopg needs several times as long for arrays
    return len(rows)


def mark_deleted(source_system: str, external_ids: Iterable[str], at: datetime) -> int:
    """Turn documents into tombstones and queue them, in the caller's transaction.

    Returns the number of documents that were not tombstones before. Raises RuntimeError outside of a transaction.
    """
    keys = sorted({document_key(source_system, name) for name in external_ids})
    if not keys:
        return 0
    _need_transaction()
    with connection.cursor() as cursor:
        cursor.execute(DELETE + QUEUE, [at, keys])
        return int(cursor.fetchone()[0])


def _need_transaction() -> None:
    """Raise RuntimeError outside of a transaction.

    A document must change in the same transaction as the rows of its tracker. Otherwise, a crash between two
    transactions could lose the change of the document.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Mark documents in the transaction that changes their rows")
