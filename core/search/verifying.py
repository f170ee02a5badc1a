"""Compare an index with its ledger, the stored chunks and the stored vectors.

Differences are collected in a temporary table, so that the comparison needs little memory for an index of any size.
``repairing`` reads this table in the same database session.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from django.db import connection

from core.db.binary_copy import copy_rows, integer, text
from core.errors import DocumentRefused
from core.search.content_checks import check_documents, check_vectors_again, one_snapshot
from core.search.indexes.base import parts_of, vector_id
from core.search.namespaces import Target, unused_namespaces
from core.search.vectors import CHECKSUM, model_key

MAX_LISTED = 20
"""Maximum number of names of each kind of difference, so that a report stays short. The counts include all names."""
SETTLING = 10.0
"""Maximum seconds to wait until differences disappear. Pinecone lists recent writes and deletions only after a
delay."""
BATCH_SIZE = 1_000
"""Number of ids that are copied together. Larger batches need fewer statements, but more memory."""
KINDS = {
    "missing": "vectors missing in the index",
    "extra": "vectors after the last chunk of their document",
    "foreign": "vectors of unknown documents",
    "misplaced": "chunks with the vector of another text",
    "altered": "vectors with other values or metadata",
    "embeddings": "stored vectors missing or damaged",
    "content": "documents with damaged chunks or properties",
    "ledger": "wrong ledger entries",
    "unrecorded": "documents without a ledger entry",
    "duplicates": "documents stored twice",
    "namespaces": "namespaces that are not in use",
}
"""Kinds of differences, and their names in messages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The number of differences of one kind, and the first names in alphabetical order.

    The names are ids of vectors, external ids of documents, or names of namespaces.
    """

    count: int
    names: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Differences by kind, in the order of ``KINDS``. Kinds without differences are left out.

    ``held`` is the number of vectors in the index. ``waiting`` and ``failed`` documents are not differences, because a
    later sync writes them. ``other_namespaces`` are in the same Pinecone index, but this project did not create them.
    ``deep`` is whether the values and metadata of an index outside of the database were compared.
    """

    documents: int
    chunks: int
    held: int
    waiting: int
    failed: int
    kinds: Mapping[str, Found]
    other_namespaces: Sequence[str] = ()
    deep: bool = True

    @property
    def wrong(self) -> int:
        """Return the number of all differences."""
        return self.count(*KINDS)

    @property
    def gaps(self) -> int:
        """Return the number of chunks that are missing in the index."""
        return self.count("missing")

    @property
    def orphans(self) -> int:
        """Return the number of vectors that the index should not contain."""
        return self.count("extra", "foreign")

    @property
    def stale(self) -> int:
        """Return the number of documents whose stored chunks or ledger entries are wrong."""
        return self.count("content", "ledger", "unrecorded")

    def count(self, *kinds: str) -> int:
        """Return the number of differences of some kinds."""
        return sum(self.kinds[kind].count for kind in kinds if kind in self.kinds)


def differences(
    target: Target,
    versions: Mapping[str, int] | None = None,
    *,
    deep: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Differences:
    """Return the differences between the index, the ledger, the stored chunks and the stored vectors.

    ``versions`` contains the combined version of the renderer and the chunker by source. Documents of other versions
    are waiting. With ``deep``, values and metadata are read from an index outside of the database. ``progress`` is
    called with the numbers of compared chunks and of all chunks.

    If there are differences, the ids of the index are listed again for up to ``SETTLING`` seconds. An index in this
    database is listed only once.
    """
    deep = deep and not target.index.transactional
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
    check_documents(target, versions or {}, deep=deep, progress=progress)
    with one_snapshot() if target.index.transactional else nullcontext():
        _list(target)
        _compare(target)
    until = time.monotonic() + SETTLING
    while _has_recent(target) and time.monotonic() < until:
        time.sleep(0.5)  # the index may not list recent writes yet
        if deep:
            check_vectors_again(target)
        _list(target)
        _compare(target)
    own, other = unused_namespaces(target)
    copy_rows("difference", ("kind", "name"), ((text("namespaces"), text(name)) for name in own))
    return _report(target, other, deep=deep)


# The kind "waiting" is not a difference. Its documents are compared after the next sync. The kind "original" contains
# the documents of which duplicates exist.
TABLES = """
    DROP TABLE IF EXISTS difference;
    CREATE TEMPORARY TABLE difference (
        kind varchar NOT NULL, document_id bigint, external_id varchar, ordinal int, name varchar
    );
    CREATE INDEX ON difference (kind, document_id);
"""


def _list(target: Target) -> None:
    """Copy the ids of the index into a temporary table, with the external id and the ordinal that each id contains."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS listed_vector")
        cursor.execute("CREATE TEMPORARY TABLE listed_vector (vector_id varchar, external_id varchar, ordinal int)")
    for batch in _batches(target.index.list_ids()):  # in batches, because one connection may read the ids and copy rows
        copy_rows("listed_vector", ("vector_id", "external_id", "ordinal"), map(_parsed_row, batch))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE listed_vector, difference")


def _parsed_row(name: str) -> tuple[bytes, bytes, bytes]:
    """Return the row of an id for the temporary table. If the id has another format, its external id is empty."""
    document, ordinal = parts_of(name) or ("", -1)
    return text(name), text(document), integer(ordinal)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    names = iter(names)
    while batch := list(itertools.islice(names, BATCH_SIZE)):
        yield batch


# A dirty or failed document is not compared, because the ledger does not record which of its chunks the index contains.
COMPARABLE = """
    e.namespace_id = %(namespace)s AND e.state = 'clean' AND NOT EXISTS (
        SELECT 1 FROM difference f
        WHERE f.document_id = e.document_id AND f.kind IN ('waiting', 'content', 'ledger', 'duplicates'))
"""
FORGET = "DELETE FROM difference WHERE kind NOT IN ('waiting', 'content', 'ledger', 'altered')"
DUPLICATES = """
    WITH originals AS (SELECT key, min(id) AS id FROM core_document GROUP BY key HAVING count(*) > 1)
    INSERT INTO difference (kind, document_id, external_id)
    SELECT 'duplicates', d.id, d.external_id FROM core_document d JOIN originals o USING (key) WHERE d.id > o.id
    UNION ALL SELECT 'original', d.id, d.external_id FROM core_document d JOIN originals o USING (id)
"""
MISSING = """
    INSERT INTO difference (kind, document_id, external_id, ordinal)
    SELECT 'missing', d.id, d.external_id, n FROM core_indexentry e JOIN core_document d ON d.id = e.document_id
    CROSS JOIN LATERAL generate_series(0, e.chunks - 1) n
    WHERE {comparable} AND NOT EXISTS (
        SELECT 1 FROM listed_vector v WHERE v.external_id = d.external_id AND v.ordinal = n)
"""
# A document of another source may have the same external id. Then the larger document decides.
EXTRA = """
    WITH owners AS (
        SELECT d.external_id, min(d.id) AS document, max(e.chunks) AS chunks
        FROM core_indexentry e JOIN core_document d ON d.id = e.document_id
        WHERE e.namespace_id = %(namespace)s GROUP BY d.external_id HAVING bool_and({comparable})
    )
    INSERT INTO difference (kind, document_id, external_id, ordinal, name)
    SELECT DISTINCT 'extra', o.document, o.external_id, v.ordinal, v.vector_id
    FROM listed_vector v JOIN owners o USING (external_id) WHERE v.ordinal >= o.chunks
"""
FOREIGN = """
    INSERT INTO difference (kind, name)
    SELECT DISTINCT 'foreign', v.vector_id FROM listed_vector v WHERE NOT EXISTS (
        SELECT 1 FROM core_document d
        LEFT JOIN core_indexentry e ON e.document_id = d.id AND e.namespace_id = %(namespace)s
        WHERE d.external_id = v.external_id AND (e.id IS NOT NULL OR d.deleted_at IS NULL))
"""
WITHOUT_ENTRY = """
    d.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM core_indexentry e WHERE e.document_id = d.id AND e.namespace_id = %(namespace)s)
"""
UNRECORDED = """
    INSERT INTO difference (kind, document_id, external_id)
    SELECT 'unrecorded', d.id, d.external_id FROM core_document d
    WHERE {without_entry} AND EXISTS (SELECT 1 FROM listed_vector v WHERE v.external_id = d.external_id)
"""
# Only an index in this database has rows in core_vector.
MISPLACED = """
    INSERT INTO difference (kind, document_id, external_id, ordinal)
    SELECT 'misplaced', d.id, d.external_id, v.ordinal FROM core_vector v
    JOIN core_indexentry e ON e.document_id = v.document_id AND e.namespace_id = v.namespace_id
    JOIN core_document d ON d.id = v.document_id
    JOIN core_chunk c ON c.document_id = v.document_id AND c.ordinal = v.ordinal
    JOIN core_embedding m ON m.id = v.embedding_id
    WHERE {comparable} AND (m.text_hash <> c.text_hash OR m.model_id <> %(model)s)
"""
# Of several chunks with the same text, only the first one is reported, because they share the vector.
EMBEDDINGS = """
    INSERT INTO difference (kind, document_id, external_id, ordinal)
    SELECT DISTINCT ON (c.text_hash) 'embeddings', d.id, d.external_id, c.ordinal
    FROM core_indexentry e JOIN core_document d ON d.id = e.document_id JOIN core_chunk c ON c.document_id = d.id
    LEFT JOIN core_embedding m ON m.text_hash = c.text_hash AND m.model_id = %(model)s
    WHERE {comparable} AND (m.id IS NULL OR m.checksum <> {checksum})
    ORDER BY c.text_hash, d.id, c.ordinal
"""
PARTS = {"comparable": COMPARABLE, "without_entry": WITHOUT_ENTRY, "checksum": CHECKSUM.format(row="m")}
"""Conditions and expressions in the statements above and below, by their names in braces."""
# A vector that is missing is not compared.
UNLISTED = """
    DELETE FROM difference f WHERE kind = 'altered' AND NOT EXISTS (
        SELECT 1 FROM listed_vector v WHERE v.external_id = f.external_id AND v.ordinal = f.ordinal)
"""
RECENT = "SELECT EXISTS (SELECT 1 FROM difference WHERE kind IN ('missing', 'extra', 'foreign', 'altered'))"


def _compare(target: Target) -> None:
    """Compare the listed ids and the rows of the database, and add the differences to the temporary table."""
    values = {"namespace": target.namespace.pk, "model": model_key(target.namespace.embedder)}
    with connection.cursor() as cursor:
        for statement in (
            FORGET, DUPLICATES, "ANALYZE difference", MISSING, EXTRA, FOREIGN, UNRECORDED, MISPLACED, EMBEDDINGS,
            UNLISTED,
        ):  # fmt: skip
            cursor.execute(statement.format_map(PARTS), values)


def _has_recent(target: Target) -> bool:
    """Return whether there are differences that may disappear, because the index shows writes only after a delay."""
    if target.index.transactional:
        return False
    with connection.cursor() as cursor:
        cursor.execute(RECENT)
        return bool(cursor.fetchone()[0])


TOTALS = """
    SELECT count(*), coalesce(sum(chunks), 0), (SELECT count(*) FROM listed_vector),
        count(*) FILTER (WHERE state = 'dirty') + (SELECT count(*) FROM difference WHERE kind = 'waiting')
            + (SELECT count(*) FROM core_document d WHERE {without_entry}
                AND NOT EXISTS (SELECT 1 FROM listed_vector v WHERE v.external_id = d.external_id)),
        count(*) FILTER (WHERE state = 'failed')
    FROM core_indexentry WHERE namespace_id = %(namespace)s
"""
COUNTS = "SELECT kind, count(*) FROM difference GROUP BY kind"
NAMES = """
    SELECT external_id, ordinal, name FROM difference WHERE kind = %s ORDER BY external_id, ordinal, name LIMIT %s
"""


def _report(target: Target, other: Sequence[str], *, deep: bool) -> Differences:
    with connection.cursor() as cursor:
        cursor.execute(TOTALS.format_map(PARTS), {"namespace": target.namespace.pk})
        documents, chunks, held, waiting, failed = cursor.fetchone()
        cursor.execute(COUNTS)
        counts = dict(cursor.fetchall())
        kinds: dict[str, Found] = {}
        for kind in KINDS:
            if kind in counts:
                cursor.execute(NAMES, [kind, MAX_LISTED])
                names = [_name(*row) for row in cursor.fetchall()]
                kinds[kind] = Found(count=counts[kind], names=names)
    return Differences(
        documents=documents, chunks=int(chunks), held=held, waiting=waiting, failed=failed, kinds=kinds,
        other_namespaces=other, deep=deep or target.index.transactional,
    )  # fmt: skip


def _name(external_id: str | None, ordinal: int | None, name: str | None) -> str:
    if name is not None or external_id is None or ordinal is None:
        return name or external_id or ""
    with suppress(DocumentRefused):
        return vector_id(external_id, ordinal)
    return f"{external_id}#{ordinal}"
