"""What every index can do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from core.errors import ConfigurationError
from core.models import Document
from core.search.chunking import Piece
from core.search.filters import Filters, Hit


@dataclass(frozen=True, kw_only=True, slots=True)
class Vector:
    """A chunk with its vector; its id is ``<document id>#<ordinal in four digits>``."""

    ordinal: int
    piece: Piece
    content_hash: str
    embedder: str
    values: Sequence[float]


def vector_id(document: Document, ordinal: int) -> str:
    """The stable id of a chunk, in every index the same."""
    return f"{document.external_id}#{ordinal:04d}"


class VectorIndex(Protocol):
    """Every method may be repeated without harm."""

    def upsert(self, document: Document, vectors: Sequence[Vector]) -> None:
        """Write chunks; a ValueError is the index's refusal of this document."""
        ...

    def delete(self, document: Document, *, begin: int, end: int) -> None:
        """Remove the chunks from ``begin`` up to but not ``end``."""
        ...

    def query(self, vector: Sequence[float], filters: Filters, limit: int) -> list[Hit]:
        """The nearest chunks of the embedder of the settings that meet the filters, the nearest first."""
        ...

    def list_ids(self) -> Iterator[str]:
        """The ids of all chunks."""
        ...


def get_index() -> VectorIndex:
    """The index of the settings; ConfigurationError for one that this version does not have."""
    if settings.VECTOR_INDEX == "pgvector":
        from core.search.indexes.pgvector import PgvectorIndex

        return PgvectorIndex()
    raise ConfigurationError(f"VECTOR_INDEX={settings.VECTOR_INDEX} is not available yet; set VECTOR_INDEX=pgvector.")
