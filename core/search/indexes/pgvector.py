"""Vectors in the project's own PostgreSQL. A query scans them exactly, or uses an HNSW index if one was built.

An exact scan finds all matches, and is fast enough for up to about 300,000 vectors. HNSW needs iterative scans, because
without them most matches of a filter would be lost: https://github.com/pgvector/pgvector#iterative-index-scans
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from core.db.binary_copy import bigint, copy_rows, integer
from core.models import Document, Namespace, Vector
from core.search.documents import possible_keys
from core.search.filters import Filters, chunk_conditions
from core.search.indexes.base import Description, Match, Record, parts_of, vector_id
from core.search.indexes.metadata_filter import DEEPER, keep_matching
from core.search.vectors import hold_vectors, model_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("document_id", "ordinal", "namespace_id", "embedding_id")
ITERATIVE_SCAN = (
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '100', true)"
)
LONGEST_HNSW = 4000
"""Maximum number of dimensions of a halfvec that HNSW can index: https://github.com/pgvector/pgvector#hnsw"""


class PgvectorIndex:
    """An index that consists of the rows of ``Vector``. A write is part of the caller's transaction."""

    transactional = True
    has_metadata = False

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.distance = f"e.vector::halfvec({namespace.dimension:d}) <=> %s::halfvec({namespace.dimension:d})"

    def prepare(self) -> None:
        """Create the row of the model, so that searches only read. Migrations create the tables."""
        model_key(self.namespace.embedder)

    def upsert(self, records: Sequence[Record]) -> int | None:
        """Delete any stored rows of these chunks, and write the new rows with COPY. Missing vectors are stored.

        The caller must have locked the documents, so that no other session writes the same rows.
        """
        if not records:
            return None
        self._delete([(record.document.pk, record.ordinal) for record in records])
        vectors = {record.text_hash: record.vector for record in records}
        stored = hold_vectors(self._model, vectors)
        namespace = bigint(self.namespace.pk)
        rows = (
            (bigint(record.document.pk), integer(record.ordinal), namespace, bigint(stored[record.text_hash]))
            for record in records
        )
        copy_rows("core_vector", COLUMNS, rows)
        return None

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows in one statement, after a query for the documents of the ids."""
        parts = [part for part in map(parts_of, ids) if part is not None]
        documents = dict(
            Document.objects.filter(key__in=possible_keys(name for name, _ in parts)).values_list("external_id", "pk")
        )
        self._delete([(documents[name], ordinal) for name, ordinal in parts if name in documents])

    def _delete(self, chunks: Sequence[tuple[int, int]]) -> None:
        """Delete the rows of chunks, which are pairs of a document's primary key and an ordinal."""
        if chunks:
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM core_vector v USING unnest(%s::bigint[], %s::int[]) AS g (document_id, ordinal)"
                    " WHERE v.document_id = g.document_id AND v.ordinal = g.ordinal AND v.namespace_id = %s",
                    [[pk for pk, _ in chunks], [ordinal for _, ordinal in chunks], self.namespace.pk],
                )

    def differing(self, records: Sequence[Record]) -> list[str]:
        """Return the ids of the chunks without a row that refers to the vector of their text, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT g.n FROM unnest(%s::bigint[], %s::int[], %s::uuid[]) WITH ORDINALITY"
                " AS g (document_id, ordinal, text_hash, n) WHERE NOT EXISTS ("
                " SELECT 1 FROM core_vector v JOIN core_embedding e ON e.id = v.embedding_id"
                " WHERE v.document_id = g.document_id AND v.ordinal = g.ordinal AND v.namespace_id = %s"
                " AND e.text_hash = g.text_hash AND e.model_id = %s) ORDER BY g.n",
                [
                    [record.document.pk for record in records], [record.ordinal for record in records],
                    [record.text_hash for record in records], self.namespace.pk, self._model,
                ],
            )  # fmt: skip
            return [records[row[0] - 1].id for row in cursor.fetchall()]

    @cached_property
    def _model(self) -> int:
        return model_key(self.namespace.embedder)

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """Return the nearest chunks from the HNSW index if it was built, or else from an exact scan.

        Excluded words and phrases are checked in ``DEEPER`` times as many chunks, and not in all chunks.
        """
        scanned = filters.without_excluded_texts()
        if scanned == filters:
            return self._nearest(vector, filters, limit)
        return keep_matching(self._nearest(vector, scanned, limit * DEEPER), filters)[:limit]

    def _nearest(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        conditions = chunk_conditions(filters)
        chunk = " JOIN core_chunk c ON c.document_id = v.document_id AND c.ordinal = v.ordinal"
        literal = "[" + ",".join(f"{x:.6f}" for x in vector.tolist()) + "]"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ITERATIVE_SCAN)
            if not conditions.where:
                matches = self._nearest_vectors(cursor, literal, limit)
                if len(matches) == limit:
                    return matches
            cursor.execute(
                # The statement contains numbers and the conditions of chunk_conditions, but no user input.
                f"SELECT d.external_id, v.ordinal, 1 - ({self.distance}) FROM core_embedding e"  # noqa: S608
                f" JOIN core_vector v ON v.embedding_id = e.id JOIN core_document d ON d.id = v.document_id"
                f"{chunk if conditions.uses_chunk else ''}"
                f" WHERE e.model_id = {self._model:d} AND v.namespace_id = {self.namespace.pk:d}{conditions.where}"
                f" ORDER BY {self.distance} LIMIT %s",
                [literal, *conditions.parameters, literal, limit],
            )
            return _matches(cursor.fetchall())

    def _nearest_vectors(self, cursor: Any, literal: str, limit: int) -> list[Match]:
        """Return the chunks of the nearest vectors. Only twice ``limit`` vectors are joined, which is faster.

        The result has fewer than ``limit`` chunks if most of these vectors belong to no chunk of this namespace.
        """
        cursor.execute(
            f"WITH near AS MATERIALIZED (SELECT e.id, {self.distance} AS distance FROM core_embedding e"  # noqa: S608
            f" WHERE e.model_id = {self._model:d} ORDER BY {self.distance} LIMIT %s)"
            " SELECT d.external_id, v.ordinal, 1 - near.distance FROM near"
            " JOIN core_vector v ON v.embedding_id = near.id JOIN core_document d ON d.id = v.document_id"
            f" WHERE v.namespace_id = {self.namespace.pk:d} ORDER BY near.distance LIMIT %s",
            [literal, literal, 2 * limit, limit],
        )
        return _matches(cursor.fetchall())

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """Yield ids. Rows are fetched 5,000 at a time, so that memory use stays low."""
        rows = Vector.objects.filter(namespace=self.namespace).values_list("document__external_id", "ordinal")
        names = (vector_id(external_id, ordinal) for external_id, ordinal in rows.iterator(chunk_size=5000))
        yield from (name for name in names if name.startswith(prefix))

    def namespaces(self) -> list[str]:
        """Return no names, because each namespace in this database has a row."""
        return []

    def describe(self) -> Description:
        """Return the exact number of vectors, the dimension and the metric."""
        count = Vector.objects.filter(namespace=self.namespace).count()
        return Description(vectors=count, dimension=self.namespace.dimension, metric="cosine")

    def wait(self, lsn: int | None, seconds: float) -> bool:
        """Return True, because queries see every committed write."""
        del lsn, seconds
        return True

    def drop(self) -> None:
        """Remove the rows and the HNSW index of this namespace."""
        self.drop_hnsw()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_vector WHERE namespace_id = %s", [self.namespace.pk])

    @property
    def hnsw(self) -> str:
        """Return the name of the HNSW index of this model."""
        return f"core_embedding_hnsw_{self._model:d}"

    def build_hnsw(self) -> None:
        """Build the HNSW index while syncs continue. An existing or unfinished HNSW index is replaced."""
        self.drop_hnsw()
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE INDEX CONCURRENTLY {self.hnsw} ON core_embedding"
                f" USING hnsw ((vector::halfvec({self.namespace.dimension:d})) halfvec_cosine_ops)"
                f" WHERE model_id = {self._model:d}"
            )

    def drop_hnsw(self) -> None:
        """Drop the HNSW index. Queries then use exact scans again."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {self.hnsw}")


def _matches(rows: Sequence[tuple[Any, ...]]) -> list[Match]:
    return [Match(vector_id=vector_id(row[0], row[1]), score=float(row[2])) for row in rows]
