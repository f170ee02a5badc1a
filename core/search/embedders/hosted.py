"""Models that Pinecone hosts: https://docs.pinecone.io/guides/inference/understanding-inference."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from core.errors import ConfigurationError
from core.operations.pinecone_ops import PineconeInference
from core.search.embedders.base import EmbedderInfo, Role
from core.search.embedders.remote import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_MODEL = "multilingual-e5-large"
MODELS = {"multilingual-e5-large": (1024, 507, False), "llama-text-embed-v2": (1024, 2048, True)}
"""Dimension, the longest text in tokens, and whether the dimension may be asked for."""
MOST_INPUTS = 96
PREFIX = "pinecone/"


class HostedEmbedder:
    """The model reads passages and queries in different ways."""

    def __init__(self, model: str) -> None:
        if model not in MODELS:
            raise ConfigurationError(
                f"EMBEDDER=pinecone knows no EMBEDDING_MODEL={model}; it knows {', '.join(MODELS)}."
            )
        self.model, (dimension, tokens, self._asks) = model, MODELS[model]
        self.info = EmbedderInfo(
            fingerprint=f"{PREFIX}{model}/{dimension}", dimension=dimension, max_tokens=tokens, max_batch=MOST_INPUTS
        )
        self._service = PineconeInference(settings.PINECONE_API_KEY, host=settings.PINECONE_HOST)

    @classmethod
    def of(cls, fingerprint: str | None) -> "HostedEmbedder | None":
        """Of the settings, or of a fingerprint of its own."""
        if fingerprint is None:
            return cls(settings.EMBEDDING_MODEL or DEFAULT_MODEL)
        model = fingerprint.removeprefix(PREFIX).rpartition("/")[0]
        return cls(model) if fingerprint.startswith(PREFIX) and model in MODELS else None

    def embed(self, texts: Sequence[str], role: Role) -> "NDArray[np.float32]":
        """Shape (n, dimension)."""
        wanted = self.info.dimension if self._asks else None
        return embedded(
            texts, lambda some: self._service.embed(self.model, some, role=role, dimension=wanted),
            dimension=self.info.dimension, most=MOST_INPUTS,
        )  # fmt: skip
