"""Where vectors live: PostgreSQL by default."""

from core.search.indexes.base import VectorIndex, get_index

__all__ = ["VectorIndex", "get_index"]
