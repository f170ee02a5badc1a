"""The interface of an embedding model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:  # numpy is loaded only when texts are embedded
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["passage", "query"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderInfo:
    """The properties of a model. ``fingerprint`` changes whenever the model would return other vectors for a text."""

    fingerprint: str
    dimension: int
    metric: Literal["cosine"] = "cosine"
    max_tokens: int = 256
    max_batch: int = 32
    similar: float | None = None
    """Cosine similarity below which not even the nearest text answers a query. ``None`` if nobody has measured it."""


class Embedder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """Return the properties of the model. An endpoint may need a request to find out its dimension."""
        ...

    def embed(self, texts: Sequence[str], role: Role) -> "NDArray[np.float32]":
        """Return an array of shape (n, dimension). Each row is a unit vector.

        Raises DocumentRefused for a text that the model cannot embed.
        """
        ...
