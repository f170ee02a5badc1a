"""Indexes of vectors: PostgreSQL by default, or Pinecone."""
