"""Vectors in the same PostgreSQL, scanned exactly."""

from collections.abc import Iterator, Sequence

from django.db import connection

from core.models import Chunk, Document
from core.search.conditions import conditions
from core.search.embedders import get_embedder
from core.search.filters import Filters, Hit
from core.search.indexes.base import Vector, vector_id

NEAREST = """
    SELECT c.vector_id, 1 - (c.embedding <=> q.v) AS likeness
    FROM (SELECT %s::halfvec AS v) q, core_chunk c {join}
    WHERE c.embedder = %s {where} ORDER BY c.embedding <=> q.v, c.id LIMIT %s
"""


class PgvectorIndex:
    """The ``Chunk`` table itself; a write is part of the caller's transaction."""

    def upsert(self, document: Document, vectors: Sequence[Vector]) -> None:
        """Write chunks with one statement."""
        rows = [
            Chunk(
                document=document,
                ordinal=vector.ordinal,
                vector_id=vector_id(document, vector.ordinal),
                text=vector.piece.text,
                words=vector.piece.words,
                url=vector.piece.url,
                author=vector.piece.author,
                occurred_at=vector.piece.at,
                content_hash=vector.content_hash,
                embedder=vector.embedder,
                embedding=list(vector.values),
            )
            for vector in vectors
        ]
        changing = ["vector_id", "text", "words", "url", "author", "occurred_at", "content_hash"]
        changing += ["embedder", "embedding"]
        Chunk.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["document", "ordinal"], update_fields=changing
        )

    def delete(self, document: Document, *, begin: int, end: int) -> None:
        """Remove chunks; what lies beyond the high-water mark is none of this document's."""
        if end > begin:
            Chunk.objects.filter(document=document, ordinal__gte=begin).delete()

    def list_ids(self) -> Iterator[str]:
        """All ids, a few thousand at a time."""
        yield from Chunk.objects.values_list("vector_id", flat=True).order_by("pk").iterator(chunk_size=5000)

    def query(self, vector: Sequence[float], filters: Filters, limit: int) -> list[Hit]:
        """The nearest chunks, the nearest first: an exact scan of what the filters leave."""
        asked = conditions(filters)
        text = str(list(vector))
        with connection.cursor() as cursor:
            cursor.execute(
                NEAREST.format(join=asked.join, where=asked.where),
                [text, get_embedder().info.fingerprint, *asked.parameters, limit],
            )
            return [Hit(vector_id=vector_id, score=score) for vector_id, score in cursor.fetchall()]
