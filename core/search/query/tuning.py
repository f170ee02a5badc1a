"""The numbers of the ranking, found with ``bench/retrieval``; see docs/search.md."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """``depth`` is in chunks for vectors and in documents for what is fused."""

    depth: int = 100
    text: float = 0.15
    """Share of the list by text in the fusion; the rest is that of meaning."""
    title: float = 0.1
    """Worth of a word in the title, to that of one in the text."""
    simple: float = 0.1
    """Worth of a word as it stands, to that of its stem."""
    normalization: int = 1
    """Of ts_rank: by 1 + log(length)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A document with its best chunk."""

    document: int
    chunk: int
    score: float
