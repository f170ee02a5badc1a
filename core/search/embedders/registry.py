"""The embedding models by name. ``EMBEDDERS[name] = factory`` adds a model for ``EMBEDDER=name``.

A factory imports its model when it is called, so that numpy is loaded only when texts are embedded.
"""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings

from core.errors import ConfigurationError
from core.search.embedders.base import Embedder

Factory = Callable[[str | None], Embedder | None]
"""Function that takes a fingerprint and returns the embedder with this fingerprint, or ``None`` if it belongs to
another kind of model. Without a fingerprint, the function returns the embedder that the settings describe."""


def _local(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.local import LocalEmbedder

    return LocalEmbedder() if fingerprint in {None, LocalEmbedder.info.fingerprint} else None


def _pinecone(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.remote import PineconeEmbedder

    return PineconeEmbedder.create(fingerprint)


def _openai(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.remote import EndpointEmbedder

    return EndpointEmbedder.create(fingerprint)


EMBEDDERS: dict[str, Factory] = {"local": _local, "pinecone": _pinecone, "openai": _openai}
"""Factories by the value of EMBEDDER."""


@lru_cache(maxsize=4)
def _create(kind: str, fingerprint: str | None, service_settings: tuple[str, ...]) -> Embedder | None:
    del service_settings  # only a part of the cache key, because other settings need another embedder
    return EMBEDDERS[kind](fingerprint)


def _service_settings() -> tuple[str, ...]:
    names = ("PINECONE_API_KEY", "PINECONE_HOST", "EMBEDDING_API_URL", "EMBEDDING_API_KEY", "EMBEDDING_MODEL")
    return tuple(str(getattr(settings, name)) for name in names)


def get_embedder(fingerprint: str | None = None) -> Embedder:
    """Return the embedder with this fingerprint, or the embedder that the settings describe if there is no fingerprint.

    Raises ConfigurationError when the settings do not describe a model with this fingerprint.
    """
    if fingerprint is None:
        embedder = _create(settings.EMBEDDER, None, _service_settings())
    else:
        candidates = (_create(kind, fingerprint, _service_settings()) for kind in EMBEDDERS)
        embedder = next((candidate for candidate in candidates if candidate is not None), None)
    if embedder is None:
        raise ConfigurationError(
            f"The index contains vectors of {fingerprint}, but the settings describe another model. "
            "Set EMBEDDER, EMBEDDING_API_URL and EMBEDDING_MODEL as they were, or run 'switch_embedder'."
        )
    return embedder
