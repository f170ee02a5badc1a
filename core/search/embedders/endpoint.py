"""Any endpoint that embeds as OpenAI's does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from core.operations.embedding_endpoint import EmbeddingEndpoint
from core.search.embedders.base import EmbedderInfo, Role
from core.search.embedders.remote import checked, embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_MODEL = "text-embedding-3-small"
MOST_INPUTS = 256
PREFIX = "openai/"


class EndpointEmbedder:
    """Its dimension is what it answers; the host is part of the fingerprint, for a name says little about a model."""

    def __init__(self, model: str, dimension: int | None = None) -> None:
        self.model, self._dimension = model, dimension
        self._service = EmbeddingEndpoint(settings.EMBEDDING_API_URL, settings.EMBEDDING_API_KEY)

    @classmethod
    def of(cls, fingerprint: str | None) -> "EndpointEmbedder | None":
        """Of the settings, or of a fingerprint of the same host."""
        if fingerprint is None:
            return cls(settings.EMBEDDING_MODEL or DEFAULT_MODEL)
        name, _, host = fingerprint.removeprefix(PREFIX).rpartition("@")
        model, _, dimension = name.rpartition("/")
        if not fingerprint.startswith(PREFIX) or host != _host() or not dimension.isdigit():
            return None
        return cls(model, int(dimension))

    @property
    def info(self) -> EmbedderInfo:
        """Asks once, unless the dimension is known."""
        if self._dimension is None:
            self._dimension = checked(self._service.embed(self.model, ["dimension"]), 1, None).shape[1]
        return EmbedderInfo(
            fingerprint=f"{PREFIX}{self.model}/{self._dimension}@{_host()}", dimension=self._dimension,
            max_tokens=512, max_batch=MOST_INPUTS,
        )  # fmt: skip

    def embed(self, texts: Sequence[str], role: Role) -> "NDArray[np.float32]":
        """Shape (n, dimension); the endpoint knows no roles."""

        def ask(some: Sequence[str]) -> list[list[float]]:
            return self._service.embed(self.model, some, hurry=role == "query")

        return embedded(texts, ask, dimension=self.info.dimension, most=MOST_INPUTS)


def _host() -> str:
    return urlsplit(settings.EMBEDDING_API_URL).netloc.rpartition("@")[2]
