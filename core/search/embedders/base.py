"""What every embedder is, and which there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol

from django.conf import settings

from core.errors import ConfigurationError

if TYPE_CHECKING:  # numpy is loaded only where something is embedded
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["passage", "query"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderInfo:
    """``fingerprint`` changes whenever the same text would get another vector."""

    fingerprint: str
    dimension: int
    metric: Literal["cosine"] = "cosine"
    max_tokens: int = 256
    max_batch: int = 32


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """What it is; an endpoint may have to be asked for its dimension."""
        ...

    def embed(self, texts: Sequence[str], role: Role) -> "NDArray[np.float32]":
        """Shape (n, dimension), float32, each row of length 1. DocumentRefused for a text that it cannot take."""
        ...


Factory = Callable[[str | None], Embedder | None]
"""Makes the embedder of the settings (None), or that of a fingerprint; None for a fingerprint that is not its own."""


def _local(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.local import LocalEmbedder

    return LocalEmbedder() if fingerprint in {None, LocalEmbedder.info.fingerprint} else None


def _pinecone(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.hosted import HostedEmbedder

    return HostedEmbedder.of(fingerprint)


def _openai(fingerprint: str | None) -> Embedder | None:
    from core.search.embedders.endpoint import EndpointEmbedder

    return EndpointEmbedder.of(fingerprint)


EMBEDDERS: dict[str, Factory] = {"local": _local, "pinecone": _pinecone, "openai": _openai}
"""By the value of EMBEDDER."""


@lru_cache(maxsize=4)
def _made(kind: str, fingerprint: str | None, settled: tuple[str, ...]) -> Embedder | None:
    del settled  # other settings, another embedder
    return EMBEDDERS[kind](fingerprint)


def _settled() -> tuple[str, ...]:
    names = ("PINECONE_API_KEY", "PINECONE_HOST", "EMBEDDING_API_URL", "EMBEDDING_API_KEY", "EMBEDDING_MODEL")
    return tuple(str(getattr(settings, name)) for name in names)


def get_embedder(fingerprint: str | None = None) -> Embedder:
    """The embedder of the settings, or the one that made the vectors of a namespace."""
    if fingerprint is None:
        found = _made(settings.EMBEDDER, None, _settled())
    else:
        made = (_made(kind, fingerprint, _settled()) for kind in EMBEDDERS)
        found = next((embedder for embedder in made if embedder is not None), None)
    if found is None:
        raise ConfigurationError(
            f"The index holds vectors of {fingerprint}, which these settings cannot make: "
            "set EMBEDDER, EMBEDDING_API_URL and EMBEDDING_MODEL as they were, or run 'switch_embedder'."
        )
    return found
