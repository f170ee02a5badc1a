"""What embedders behind a network have in common: batches, and answers that are checked before they are believed."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import UnexpectedAnswer

Array = NDArray[np.float32]
MOST_CHARACTERS = 300_000
"""Of a request: endpoints refuse what has more than some 300,000 tokens."""
BLANK = " "
"""In the place of a text without any character, which endpoints refuse."""


def embedded(
    texts: Sequence[str], ask: Callable[[Sequence[str]], list[list[float]]], *, dimension: int, most: int
) -> Array:
    """Vectors of length 1, in the order of the texts; ``most`` texts are asked at once."""
    found = np.zeros((len(texts), dimension), np.float32)
    for start, stop in _slices(texts, most):
        found[start:stop] = checked(ask([text or BLANK for text in texts[start:stop]]), stop - start, dimension)
    return found


def checked(answer: list[list[float]], expected: int, dimension: int | None) -> Array:
    """As an array; UnexpectedAnswer for one of another shape, or with vectors that have no direction."""
    try:
        vectors = np.asarray(answer, np.float32)
    except ValueError as error:
        raise UnexpectedAnswer("the embedding service answered vectors of different lengths") from error
    if vectors.ndim != 2 or len(vectors) != expected or (dimension or vectors.shape[1]) != vectors.shape[1]:
        raise UnexpectedAnswer(f"the embedding service answered {vectors.shape}, not ({expected}, {dimension})")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        raise UnexpectedAnswer("the embedding service answered a vector without direction")
    return vectors / lengths


def _slices(texts: Sequence[str], most: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = used = 0
    for place, text in enumerate(texts):
        if place > start and (place - start >= most or used + len(text) > MOST_CHARACTERS):
            found.append((start, place))
            start, used = place, 0
        used += len(text)
    return [*found, (start, len(texts))] if len(texts) > start else found
