"""The chunks of documents in PostgreSQL: what text search reads, results show, and every index can be filled from."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from core.db.binary_copy import bigint, copy_rows, integer, text
from core.db.text import replace_unstorable
from core.models import Document
from core.search.chunking import Piece
from core.search.documents import RenderedDocument
from core.search.indexes.base import vector_id

COLUMNS = ("document_id", "ordinal", "vector_id", "text", "prefix", "words", "url", "content_hash")


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A chunk as it is kept: what is embedded is ``prefix`` and ``text``, and ``content_hash`` is its SHA-256."""

    text: str
    prefix: str
    words: str
    url: str
    content_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What results and the index show of a document, as long as the columns are."""

    title: str = ""
    url: str = ""
    author: str = ""
    occurred_at: datetime | None = None

    @classmethod
    def of(cls, source: RenderedDocument | Document) -> "Head":
        """From a rendering, or as it is kept."""
        at = source.occurred_at.astimezone(UTC) if source.occurred_at else None
        title, url, author = (
            replace_unstorable(source.title)[:300],
            replace_unstorable(source.url)[:1000],
            replace_unstorable(source.author)[:200],
        )
        return cls(title=title, url=url, author=author, occurred_at=at)


def text_of(piece: Piece) -> Text:
    """A piece as it is kept; its embedded text ends with what is shown."""
    shown, embedded = replace_unstorable(piece.text), replace_unstorable(piece.embedded)
    if not embedded.endswith(shown):
        raise ValueError("what is embedded of a chunk must end with its text")
    return Text(
        text=shown, prefix=embedded[: len(embedded) - len(shown)], words=replace_unstorable(piece.words),
        url=replace_unstorable(piece.url),
        content_hash=sha256(embedded),
    )  # fmt: skip


def stored(documents: Sequence[int]) -> Mapping[int, list[Text]]:
    """The kept chunks of documents, in their order."""
    found: dict[int, list[Text]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT document_id, text, prefix, words, url, content_hash FROM core_chunk"
            " WHERE document_id = ANY(%s) ORDER BY document_id, ordinal",
            [list(documents)],
        )
        for document, shown, prefix, words, url, content_hash in cursor.fetchall():
            kept = Text(text=shown, prefix=prefix, words=words, url=url, content_hash=content_hash)
            found[document].append(kept)
    return found


def replace(changes: Iterable[tuple[Document, Sequence[Text], Sequence[Text]]]) -> None:
    """Documents with their kept and their new chunks; only what differs is written. The caller holds the documents."""
    gone: list[tuple[int, int]] = []
    rows: list[tuple[bytes, ...]] = []
    for document, before, after in changes:
        for ordinal, new in enumerate(after):
            if ordinal < len(before):
                if before[ordinal] == new:
                    continue
                gone.append((document.pk, ordinal))
            name = vector_id(document.external_id, ordinal)
            fields = (name, new.text, new.prefix, new.words, new.url, new.content_hash)
            rows.append((bigint(document.pk), integer(ordinal), *map(text, fields)))
        gone += [(document.pk, ordinal) for ordinal in range(len(after), len(before))]
    if gone:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM core_chunk c USING unnest(%s::bigint[], %s::int[]) AS g (document_id, ordinal)"
                " WHERE c.document_id = g.document_id AND c.ordinal = g.ordinal",
                [[pk for pk, _ in gone], [ordinal for _, ordinal in gone]],
            )
    if rows:
        copy_rows("core_chunk", COLUMNS, rows)


def describe(changes: Iterable[tuple[Document, Head, int]]) -> None:
    """Keep what is shown of documents, and that their chunks are of this version and renderer."""
    rows = list(changes)
    if not rows:
        return
    columns = [
        [document.pk for document, _, _ in rows], [document.version for document, _, _ in rows],
        [renderer for _, _, renderer in rows],
        *([getattr(head, name) for _, head, _ in rows] for name in ("title", "url", "author", "occurred_at")),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_document d SET chunked_version = n.version, renderer_version = n.renderer, title = n.title,"
            " url = n.url, author = n.author, occurred_at = n.occurred_at"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])"
            " AS n (id, version, renderer, title, url, author, occurred_at) WHERE d.id = n.id",
            columns,
        )
    for document, head, renderer in rows:
        document.title, document.url, document.author = head.title, head.url, head.author
        document.occurred_at, document.chunked_version = head.occurred_at, document.version
        document.renderer_version = renderer


def sum_of(document: Document, head: Head, texts: Sequence[Text]) -> str:
    """SHA-256 of all that goes out of a document; what has no chunks sends nothing."""
    if not texts:
        return sha256("")
    shown = [head.title, head.url, head.author, head.occurred_at.isoformat() if head.occurred_at else ""]
    shown += [document.kind, document.scope.name, document.scope.external_id]
    return sha256("\0".join([*shown, *(f"{one.content_hash}\0{one.url}" for one in texts)]))


def sha256(value: str) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(value.encode()).hexdigest()
