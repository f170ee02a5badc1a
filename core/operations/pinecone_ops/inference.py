"""Embeddings from models that Pinecone hosts: https://docs.pinecone.io/guides/index-data/create-an-index#embedding-models."""

from collections.abc import Sequence
from typing import Any

from core.operations import bounds
from core.operations.pinecone_ops.client import ask, bound_size, connect

MOST_INPUTS = 96
"""Maximum number of texts in one request: https://docs.pinecone.io/reference/api/2026-07/inference/generate-embeddings."""


class PineconeInference:
    """Embeds texts with a hosted model. It connects at the first call."""

    def __init__(self, api_key: str, *, host: str = "") -> None:
        self.api_key, self.host = api_key, host
        self._client: Any = None

    def embed(self, model: str, texts: Sequence[str], *, role: str, dimension: int | None = None) -> list[list[float]]:
        """Return one vector for each of at most 96 texts, in order. The model cuts texts that are too long.

        ``role`` is ``passage`` or ``query``.
        """
        if self._client is None:
            self._client = connect(self.api_key, self.host)
            bound_size(self._client.inference)
        parameters: dict[str, Any] = {"input_type": role, "truncate": "END"}
        if dimension is not None:
            parameters["dimension"] = dimension
        seconds = bounds.QUERY if role == "query" else bounds.ANSWER
        answer = ask(
            lambda: self._client.inference.embed(model=model, inputs=list(texts), parameters=parameters), seconds
        )
        return [one.values for one in answer.data]
