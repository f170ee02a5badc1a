"""Repair the differences that ``verifying`` found, in the same database session.

Damaged documents are rendered again, missing and damaged vectors are computed again, and only the rows and vectors that
differ are written. Each step can be repeated. After an interruption, the next repair continues.
"""

from collections.abc import Callable, Iterator, Sequence

from django.db import connection, transaction

from core.models import Document, IndexEntry
from core.search.documents import DocumentSource, possible_keys
from core.search.indexes.base import parts_of
from core.search.namespaces import Target, drop_unused
from core.search.queue import claim_documents
from core.search.sync import sync
from core.search.writing import MAX_SURPLUS

BATCH_SIZE = 1_000
"""Number of ids that are deleted together. Larger batches need fewer requests, but more memory."""
WAIT = 60.0
"""Maximum seconds to wait until the index lists repaired chunks. Pinecone lists written chunks only after a delay."""


def repair(
    target: Target, sources: Sequence[DocumentSource], progress: Callable[[int, int | None], None] | None = None
) -> int:
    """Repair all differences of the last comparison. Return the number of repaired documents and removed items.

    Removed items are vectors, duplicates and namespaces. Some differences appear only after others are repaired, so
    compare again afterwards. Refused documents are tried again.
    """
    repaired = drop_unused(target, list(_names("namespaces")))
    repaired += remove_duplicates() + remove_vectors(target)
    repaired += queue_repair(target, [source.source_system for source in sources])
    IndexEntry.objects.filter(namespace=target.namespace, state="failed").update(next_try_at=None)
    sync(sources, progress=progress, wait=WAIT, compare=True)
    return repaired


QUEUE = """
    WITH wrong AS (
        SELECT DISTINCT d.id, d.external_id FROM difference f JOIN core_document d ON d.id = f.document_id
        WHERE f.kind NOT IN ('waiting', 'extra', 'duplicates') AND (%s::text[] IS NULL OR d.source_system = ANY(%s))
    ), counted AS (
        SELECT w.id, (SELECT count(*) FROM core_chunk c WHERE c.document_id = w.id) AS chunks,
            (SELECT coalesce(max(v.ordinal) + 1, 0) FROM listed_vector v WHERE v.external_id = w.external_id) AS reach
        FROM wrong w ORDER BY w.id
    )
    INSERT INTO core_indexentry AS e (namespace_id, document_id, state, indexed_version, content_hash, embedder,
        renderer_version, chunks, high_water, attempts, last_error)
    SELECT %s, id, 'dirty', 0, '', '', 0, chunks, least(greatest(chunks, reach), chunks + %s), 0, '' FROM counted
    ON CONFLICT (namespace_id, document_id) DO UPDATE SET state = 'dirty', content_hash = '', next_try_at = NULL,
        chunks = excluded.chunks, high_water = excluded.high_water
"""


def queue_repair(target: Target, systems: list[str] | None = None) -> int:
    """Queue every document with differences, and forget what the ledger records about it.

    Only documents of the sources ``systems`` are queued (``None``: all), because no sync writes the other documents.
    Their differences stay visible. Returns the number of queued documents.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(QUEUE, [systems, systems, target.namespace.pk, MAX_SURPLUS])
        return cursor.rowcount


def remove_duplicates() -> int:
    """Delete each document of which an older row exists. Return the number of deleted documents."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT document_id FROM difference WHERE kind = 'duplicates' ORDER BY document_id")
        duplicates = [row[0] for row in cursor.fetchall()]
    removed = 0
    for start in range(0, len(duplicates), BATCH_SIZE):
        with claim_documents(duplicates[start : start + BATCH_SIZE]) as claimed:
            Document.objects.filter(pk__in=claimed).delete()
            removed += len(claimed)
    return removed


def remove_vectors(target: Target) -> int:
    """Delete the vectors that belong to no chunk. Return the number of deleted vectors.

    Documents may have changed since the comparison. Vectors that now belong to a document of the ledger stay.
    """
    removed = 0
    for names in _batches("foreign"):
        parts = {name: parts[0] for name in names if (parts := parts_of(name))}
        known = set(
            Document.objects.filter(
                key__in=possible_keys(parts.values()), entries__namespace=target.namespace
            ).values_list("external_id", flat=True)
        )
        foreign = [name for name in names if parts.get(name) not in known]
        target.index.delete(foreign)
        removed += len(foreign)
    for names in _batches("extra"):
        removed += _remove_surplus(target, names)
    return removed


def _remove_surplus(target: Target, names: Sequence[str]) -> int:
    """Delete vectors after the last chunk of their documents, unless a document has changed in the meantime."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT document_id, ordinal, name FROM difference WHERE kind = 'extra' AND name = ANY(%s)", [list(names)]
        )
        rows = cursor.fetchall()
    with claim_documents(sorted({document for document, _, _ in rows})) as claimed:
        entries = IndexEntry.objects.filter(namespace=target.namespace, state="clean", document__in=claimed)
        sizes = dict(entries.values_list("document_id", "chunks"))
        surplus = [name for document, ordinal, name in rows if document in sizes and ordinal >= sizes[document]]
        target.index.delete(surplus)
    return len(surplus)


def _batches(kind: str) -> Iterator[list[str]]:
    """Yield the names of all differences of a kind. Only one batch is in memory."""
    last = ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name FROM difference WHERE kind = %s AND name > %s ORDER BY name LIMIT %s",
                [kind, last, BATCH_SIZE],
            )
            names = [row[0] for row in cursor.fetchall()]
        if not names:
            return
        yield names
        last = names[-1]


def _names(kind: str) -> Iterator[str]:
    for names in _batches(kind):
        yield from names
