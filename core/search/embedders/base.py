"""What every embedder is."""

from collections.abc import Sequence
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

    info: EmbedderInfo

    def embed(self, texts: Sequence[str], role: Role) -> "NDArray[np.float32]":
        """Shape (n, dimension), float32, each row of length 1."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones and without a limit."""
        ...


@lru_cache(maxsize=1)
def get_embedder() -> Embedder:
    """The embedder of the settings; ConfigurationError for one that this version does not have."""
    if settings.EMBEDDER == "local":
        from core.search.embedders.local import LocalEmbedder

        return LocalEmbedder()
    raise ConfigurationError(f"EMBEDDER={settings.EMBEDDER} is not available yet; set EMBEDDER=local.")
