"""Embedding models on other servers: models that Pinecone hosts, and endpoints that are compatible with OpenAI's API.

Both embedders send texts in batches, and check each response before they use its vectors.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from core.errors import ConfigurationError, UnexpectedAnswer
from core.operations.embedding_endpoint import EmbeddingEndpoint
from core.operations.pinecone_ops import PineconeInference
from core.search.embedders.base import EmbedderInfo, Role

Array = NDArray[np.float32]
MAX_REQUEST_CHARACTERS = 300_000
"""Maximum number of characters of one request. Endpoints refuse more than about 300,000 tokens, and most tokens have
several characters."""
BLANK = " "
"""The text that replaces an empty text, because endpoints refuse empty texts."""

PINECONE_PREFIX = "pinecone/"
PINECONE_DEFAULT_MODEL = "multilingual-e5-large"
PINECONE_MODELS = {"multilingual-e5-large": (1024, 507, False), "llama-text-embed-v2": (1024, 2048, True)}
"""For each model: the dimension, the maximum tokens of a text, and whether a request can choose the dimension."""
PINECONE_MAX_INPUTS = 96
"""Maximum number of texts in one request. Pinecone documents this limit for both models."""

ENDPOINT_PREFIX = "openai/"
ENDPOINT_DEFAULT_MODEL = "text-embedding-3-small"
ENDPOINT_MAX_INPUTS = 256
"""Maximum number of texts in one request. More texts would need fewer requests, but each request would be slower."""


class PineconeEmbedder:
    """A model that Pinecone hosts: https://docs.pinecone.io/guides/inference/understanding-inference.

    The model embeds passages and queries in different ways.
    """

    def __init__(self, model: str) -> None:
        if model not in PINECONE_MODELS:
            raise ConfigurationError(
                f"EMBEDDER=pinecone does not support EMBEDDING_MODEL={model}. Use {' or '.join(PINECONE_MODELS)}."
            )
        self.model, (dimension, tokens, self._names_dimension) = model, PINECONE_MODELS[model]
        self.info = EmbedderInfo(
            fingerprint=f"{PINECONE_PREFIX}{model}/{dimension}", dimension=dimension, max_tokens=tokens,
            max_batch=PINECONE_MAX_INPUTS,
        )  # fmt: skip
        self._service = PineconeInference(settings.PINECONE_API_KEY, host=settings.PINECONE_HOST)

    @classmethod
    def create(cls, fingerprint: str | None) -> "PineconeEmbedder | None":
        """Return the model with this fingerprint, or the model of the settings if ``fingerprint`` is ``None``.

        Returns ``None`` for a fingerprint of a model that is not in ``PINECONE_MODELS``. Raises ConfigurationError if
        the settings name such a model.
        """
        if fingerprint is None:
            return cls(settings.EMBEDDING_MODEL or PINECONE_DEFAULT_MODEL)
        model = fingerprint.removeprefix(PINECONE_PREFIX).rpartition("/")[0]
        return cls(model) if fingerprint.startswith(PINECONE_PREFIX) and model in PINECONE_MODELS else None

    def embed(self, texts: Sequence[str], role: Role) -> Array:
        """Return an array of shape (n, dimension)."""
        dimension = self.info.dimension if self._names_dimension else None

        def request(batch: Sequence[str]) -> list[list[float]]:
            return self._service.embed(self.model, batch, role=role, dimension=dimension)

        return embed_in_batches(texts, request, dimension=self.info.dimension, max_inputs=PINECONE_MAX_INPUTS)


class EndpointEmbedder:
    """A model behind an endpoint that is compatible with OpenAI's API.

    If the dimension is unknown, it is the length of the first vector that the endpoint returns. The host is part of the
    fingerprint, because two hosts may use the same name for different models.
    """

    def __init__(self, model: str, dimension: int | None = None) -> None:
        self.model, self._dimension = model, dimension
        self._service = EmbeddingEndpoint(settings.EMBEDDING_API_URL, settings.EMBEDDING_API_KEY)

    @classmethod
    def create(cls, fingerprint: str | None) -> "EndpointEmbedder | None":
        """Return the model with this fingerprint, or the model of the settings if ``fingerprint`` is ``None``.

        Returns ``None`` for a fingerprint of another kind of model or of another host.
        """
        if fingerprint is None:
            return cls(settings.EMBEDDING_MODEL or ENDPOINT_DEFAULT_MODEL)
        name, _, host = fingerprint.removeprefix(ENDPOINT_PREFIX).rpartition("@")
        model, _, dimension = name.rpartition("/")
        if not fingerprint.startswith(ENDPOINT_PREFIX) or host != _endpoint_host() or not dimension.isdigit():
            return None
        return cls(model, int(dimension))

    @property
    def info(self) -> EmbedderInfo:
        """Return the properties of the model. The first call sends one request unless the dimension is known."""
        if self._dimension is None:
            self._dimension = checked_vectors(self._service.embed(self.model, ["dimension"]), 1, None).shape[1]
        return EmbedderInfo(
            fingerprint=f"{ENDPOINT_PREFIX}{self.model}/{self._dimension}@{_endpoint_host()}",
            dimension=self._dimension, max_tokens=512, max_batch=ENDPOINT_MAX_INPUTS,
        )  # fmt: skip

    def embed(self, texts: Sequence[str], role: Role) -> Array:
        """Return an array of shape (n, dimension). The endpoint embeds both roles in the same way."""

        def request(batch: Sequence[str]) -> list[list[float]]:
            return self._service.embed(self.model, batch, hurry=role == "query")

        return embed_in_batches(texts, request, dimension=self.info.dimension, max_inputs=ENDPOINT_MAX_INPUTS)


def _endpoint_host() -> str:
    return urlsplit(settings.EMBEDDING_API_URL).netloc.rpartition("@")[2]


def embed_in_batches(
    texts: Sequence[str],
    request: Callable[[Sequence[str]], list[list[float]]],
    *,
    dimension: int,
    max_inputs: int,
) -> Array:
    """Return unit vectors in the order of the texts. A request contains at most ``max_inputs`` texts."""
    vectors = np.zeros((len(texts), dimension), np.float32)
    for start, stop in _batches(texts, max_inputs):
        response = request([text or BLANK for text in texts[start:stop]])
        vectors[start:stop] = checked_vectors(response, stop - start, dimension)
    return vectors


def checked_vectors(response: list[list[float]], expected: int, dimension: int | None) -> Array:
    """Return the vectors of a response as an array. Each row is a unit vector.

    Raises UnexpectedAnswer if the response has another shape, or if a vector is zero or not finite.
    """
    try:
        vectors = np.asarray(response, np.float32)
    except ValueError as error:
        raise UnexpectedAnswer("the embedding service returned vectors of unequal length; check the model") from error
    if vectors.ndim != 2 or len(vectors) != expected or (dimension or vectors.shape[1]) != vectors.shape[1]:
        raise UnexpectedAnswer(
            f"the embedding service returned vectors of shape {vectors.shape} instead of ({expected}, {dimension}); "
            "check the model"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        raise UnexpectedAnswer("the embedding service returned a vector that is zero or not finite; check the model")
    return vectors / lengths


def _batches(texts: Sequence[str], max_inputs: int) -> list[tuple[int, int]]:
    batches: list[tuple[int, int]] = []
    start = characters = 0
    for position, text in enumerate(texts):
        if position > start and (position - start >= max_inputs or characters + len(text) > MAX_REQUEST_CHARACTERS):
            batches.append((start, position))
            start, characters = position, 0
        characters += len(text)
    return [*batches, (start, len(texts))] if len(texts) > start else batches
