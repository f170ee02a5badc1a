"""Where vectors live: PostgreSQL by default, or Pinecone."""

from core.search.indexes.base import Description, Match, Record, VectorIndex, parts_of, vector_id

__all__ = ["Description", "Match", "Record", "VectorIndex", "parts_of", "vector_id"]
