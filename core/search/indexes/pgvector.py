"""Vectors in the project's own PostgreSQL. A query scans them exactly, or uses an HNSW index if one was built.

An exact scan finds all matches, and is fast enough for up to about 300,000 vectors. HNSW needs iterative scans, because
without them most matches of a filter would be lost: https://github.com/pgvector/pgvector#iterative-index-scans
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from core.db.binary_copy import bigint, copy_rows, halfvec, text
from core.models import Namespace, Vector
from core.search.filters import Filters, like
from core.search.indexes.base import Description, Match, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("namespace_id", "vector_id", "document_id", "embedding")
ITERATIVE_SCAN = (
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '100', true)"
)
LONGEST_HNSW = 4000
"""Maximum number of dimensions of a halfvec that HNSW can index: https://github.com/pgvector/pgvector#hnsw"""


class PgvectorIndex:
    """An index that stores vectors as rows of ``Vector``. A write is part of the caller's transaction."""

    transactional = True

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.distance = f"v.embedding::halfvec({namespace.dimension:d}) <=> %s::halfvec({namespace.dimension:d})"

    def prepare(self) -> None:
        """Do nothing, because migrations create the table."""

    def upsert(self, records: Sequence[Record]) -> int | None:
        """Delete any stored rows of these chunks, and write the new rows with COPY.

        The caller must have locked the documents, so that no other session writes the same rows.
        """
        if records:
            self.delete([record.id for record in records])
            import numpy as np

            namespace = bigint(self.namespace.pk)
            vectors = np.stack([record.vector for record in records]).astype(
                ">f2"
            )  # faster than the conversion of single vectors
            rows = (
                (namespace, text(r.id), bigint(r.document.pk), halfvec(vector.tobytes()))
                for r, vector in zip(records, vectors, strict=True)
            )
            copy_rows("core_vector", COLUMNS, rows)
        return None

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows in one statement."""
        if ids:
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM core_vector WHERE namespace_id = %s AND vector_id = ANY(%s)",
                    [self.namespace.pk, list(ids)],
                )

    def query(self, vector: "NDArray[np.float32]", filters: Filters, limit: int) -> list[Match]:
        """Return the nearest chunks from the HNSW index if it was built, or else from an exact scan."""
        joins, conditions, values = _conditions(filters)
        literal = "[" + ",".join(f"{x:.6f}" for x in vector.tolist()) + "]"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ITERATIVE_SCAN)
            cursor.execute(
                # The statement contains numbers and the conditions of _conditions, but no user input.
                f"SELECT v.vector_id, 1 - ({self.distance}) FROM core_vector v{joins}"  # noqa: S608
                f" WHERE v.namespace_id = {self.namespace.pk:d}{conditions} ORDER BY {self.distance} LIMIT %s",
                [literal, *values, literal, limit],
            )
            return [Match(vector_id=row[0], score=float(row[1])) for row in cursor.fetchall()]

    def list_ids(self, prefix: str = "") -> Iterator[str]:
        """Yield ids. Rows are fetched 5,000 at a time, so that memory use stays low."""
        rows = Vector.objects.filter(namespace=self.namespace)
        rows = rows.filter(vector_id__startswith=prefix) if prefix else rows
        yield from rows.values_list("vector_id", flat=True).iterator(chunk_size=5000)

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
        """Return the name of the HNSW index of this namespace."""
        return f"core_vector_hnsw_{self.namespace.pk:d}"

    def build_hnsw(self) -> None:
        """Build the HNSW index while syncs continue. An existing or unfinished HNSW index is replaced."""
        self.drop_hnsw()
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE INDEX CONCURRENTLY {self.hnsw} ON core_vector"
                f" USING hnsw ((embedding::halfvec({self.namespace.dimension:d})) halfvec_cosine_ops)"
                f" WHERE namespace_id = {self.namespace.pk:d}"
            )

    def drop_hnsw(self) -> None:
        """Drop the HNSW index. Queries then use exact scans again."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {self.hnsw}")


def _conditions(filters: Filters) -> tuple[str, str, list[Any]]:
    """Return the joins, the conditions and the parameters of filters."""
    all_conditions: list[tuple[str, Any]] = [
        ("d.source_system = %s", filters.source),
        ("d.kind = %s", filters.kind),
        ("s.name ILIKE %s", like(filters.scope) if filters.scope is not None else None),
        ("lower(d.author) = lower(%s)", filters.author),
        ("d.occurred_at >= %s", filters.since),
        ("d.occurred_at < %s", filters.until),
    ]
    used = [(sql, value) for sql, value in all_conditions if value is not None]
    joins = " JOIN core_document d ON d.id = v.document_id" if used else ""
    joins += " JOIN core_scope s ON s.id = d.scope_id" if filters.scope is not None else ""
    return joins, "".join(f" AND {sql}" for sql, _ in used), [value for _, value in used]
