"""The production vector index, and the models that its vendor hosts: https://docs.pinecone.io.

The vendor's library asks again by itself, three times, what fails in passing (408, 429, 5xx, broken connections).
"""

from core.operations.pinecone_ops.inference import PineconeInference
from core.operations.pinecone_ops.store import Found, PineconeStore, Stored

__all__ = ["Found", "PineconeInference", "PineconeStore", "Stored"]
