"""Compare the contents of an index with the ledger, and the ledger with the documents."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from core.db.binary_copy import copy_rows, integer, text
from core.search.indexes.base import parts_of
from core.search.namespaces import Target

MAX_LISTED = 20
"""Maximum number of ids in each list, so that a report stays short. The counts include all ids."""
SETTLING = 10.0
"""Maximum seconds to wait until differences disappear. Pinecone lists recent writes and deletions only after a
delay."""
BATCH_SIZE = 1_000
"""Number of ids that are copied or deleted together. Larger batches need fewer statements, but more memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Differences between the index and the ledger.

    ``gaps`` is the number of chunks that are missing in the index. ``orphans`` is the number of ids that the index
    should not contain. ``stale`` is the number of clean entries that are outdated: they have an older version, or
    another number of chunks than the database. ``waiting`` and ``failed`` documents are not differences, because a
    later sync writes them.
    """

    documents: int
    chunks: int
    held: int
    gaps: int
    orphans: int
    stale: int
    waiting: int
    failed: int
    differing: Sequence[str] = field(default=())
    foreign: Sequence[str] = field(default=())

    @property
    def wrong(self) -> int:
        """Return the number of all differences."""
        return self.gaps + self.orphans + self.stale


def differences(target: Target) -> Differences:
    """Return the differences between the index and the ledger. The comparison needs little memory for any index.

    The ids of the index are copied into the database and compared there. If there are differences, this is repeated for
    up to ``SETTLING`` seconds. An index in this database is compared only once.
    """
    _list(target)
    result = _compare(target)
    until = time.monotonic() + SETTLING
    while result.wrong and not target.index.transactional and time.monotonic() < until:
        time.sleep(0.5)  # the index may not list recent writes yet
        _list(target)
        result = _compare(target)
    return result


def queue_repair(target: Target) -> int:
    """Queue every document with differences, so that the next sync writes all its chunks. Return the number of
    documents.

    Call this after :func:`differences`, in the same database session.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COMPARED + CUT_AGAIN, [target.namespace.pk] * 3)
        cursor.execute(COMPARED + QUEUE, [target.namespace.pk] * 3)
        return cursor.rowcount


def remove_foreign(target: Target) -> int:
    """Delete the vectors that belong to no document of the ledger. Return the number of deleted vectors.

    Call this after :func:`differences`, in the same database session.
    """
    count = 0
    for batch in _batches(_foreign(target)):
        target.index.delete(batch)
        count += len(batch)
    return count


def _list(target: Target) -> None:
    """Copy the ids of the index into a temporary table, with the external id and the ordinal that each id contains."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS listed_vector")
        cursor.execute("CREATE TEMPORARY TABLE listed_vector (vector_id varchar, external_id varchar, ordinal int)")
    for batch in _batches(target.index.list_ids()):  # in batches, because one connection may read the ids and copy rows
        copy_rows("listed_vector", ("vector_id", "external_id", "ordinal"), map(_parsed_row, batch))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE listed_vector")


# A waiting document is not a difference, because the ledger does not record which of its chunks the index contains.
COMPARED = """
    WITH entries AS (
        SELECT e.id AS entry, d.id AS document, d.external_id, e.state, e.chunks, e.state = 'clean' AS clean,
            e.indexed_version <> d.version OR d.chunked_version <> d.version
                OR (d.deleted_at IS NOT NULL AND e.chunks > 0) AS behind
        FROM core_indexentry e JOIN core_document d ON d.id = e.document_id WHERE e.namespace_id = %s
    ), kept AS (
        SELECT document_id, count(*) AS chunks FROM core_chunk GROUP BY document_id
    ), listed AS (
        SELECT external_id, count(*) AS held, max(ordinal) AS last FROM listed_vector GROUP BY external_id
    ), within AS (
        SELECT e.entry, count(DISTINCT v.ordinal) AS held FROM entries e JOIN listed_vector v USING (external_id)
        WHERE v.ordinal < e.chunks GROUP BY e.entry
    ), compared AS (
        SELECT e.*, coalesce(l.held, 0) AS held, coalesce(l.last + 1, 0) AS reach, coalesce(w.held, 0) AS inside,
            e.clean AND (e.behind OR e.chunks <> coalesce(k.chunks, 0)) AS stale
        FROM entries e LEFT JOIN listed l USING (external_id) LEFT JOIN within w USING (entry)
        LEFT JOIN kept k ON k.document_id = e.document
    ), wrong AS (
        SELECT * FROM compared WHERE clean AND (held <> chunks OR inside <> chunks OR stale)
    ), foreigners AS (
        SELECT v.vector_id FROM listed_vector v WHERE NOT EXISTS (
            SELECT 1 FROM core_indexentry e JOIN core_document d ON d.id = e.document_id
            WHERE e.namespace_id = %s AND d.external_id = v.external_id)
    ), unknown AS (
        SELECT d.id FROM core_document d WHERE d.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM core_indexentry e WHERE e.document_id = d.id AND e.namespace_id = %s)
    )
"""
SUMMED = """
    SELECT count(*), coalesce(sum(chunks), 0), (SELECT count(*) FROM listed_vector),
        coalesce(sum(chunks - inside) FILTER (WHERE clean), 0),
        coalesce(sum(held - inside) FILTER (WHERE clean), 0) + (SELECT count(*) FROM foreigners),
        count(*) FILTER (WHERE stale),
        count(*) FILTER (WHERE state = 'dirty') + (SELECT count(*) FROM unknown),
        count(*) FILTER (WHERE state = 'failed'),
        (SELECT array_agg(external_id) FROM (SELECT external_id FROM wrong ORDER BY 1 LIMIT %s) w),
        (SELECT array_agg(vector_id) FROM (SELECT vector_id FROM foreigners ORDER BY 1 LIMIT %s) f)
    FROM compared
"""
CUT_AGAIN = "UPDATE core_document d SET chunked_version = 0 FROM wrong w WHERE w.stale AND d.id = w.document"
QUEUE = """
    UPDATE core_indexentry e SET state = 'dirty', content_hash = '', next_try_at = NULL,
        high_water = greatest(e.high_water, w.reach) FROM wrong w WHERE e.id = w.entry
"""
FOREIGN = "SELECT vector_id FROM foreigners ORDER BY vector_id"


def _compare(target: Target) -> Differences:
    with connection.cursor() as cursor:
        cursor.execute(COMPARED + SUMMED, [*[target.namespace.pk] * 3, MAX_LISTED, MAX_LISTED])
        documents, chunks, held, gaps, orphans, stale, waiting, failed, differing, foreign = cursor.fetchone()
    return Differences(
        documents=documents, chunks=int(chunks), held=held, gaps=int(gaps), orphans=int(orphans), stale=stale,
        waiting=waiting, failed=failed, differing=differing or (), foreign=foreign or (),
    )  # fmt: skip


def _foreign(target: Target) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(COMPARED + FOREIGN, [target.namespace.pk] * 3)
        yield from (row[0] for row in cursor.fetchall())


def _parsed_row(name: str) -> tuple[bytes, bytes, bytes]:
    """Return the row of an id for the temporary table. If the id has another format, its external id is empty."""
    document, ordinal = parts_of(name) or ("", -1)
    return text(name), text(document), integer(ordinal)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    names = iter(names)
    while batch := list(itertools.islice(names, BATCH_SIZE)):
        yield batch
