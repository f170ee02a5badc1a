"""Access to Pinecone: a hosted vector index, and hosted embedding models. https://docs.pinecone.io

Pinecone's library repeats a request up to three times after a temporary failure (408, 429, 5xx, broken connections).
"""

from core.operations.pinecone_ops.inference import PineconeInference
from core.operations.pinecone_ops.store import Found, PineconeStore, Stored, StoredRecord

__all__ = ["Found", "PineconeInference", "PineconeStore", "Stored", "StoredRecord"]
