"""The numbers of the ranking, found with ``bench/retrieval``; see docs/search.md."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """``depth`` is in chunks for vectors and in documents for what is fused."""

    depth: int = 100
    text: float = 0.28
    """What the best text gains, when it has enough of the query; likeness of meaning gains 1 at most."""
    enough: float = 16
    """Worth of the words that are enough, unless the query has less: two or three rare ones."""
    in_title: float = 0.5
    """What a word that only the title has counts for that."""
    steepness: float = 2
    """How fast the gain falls with what a text has of enough."""
    sure: float = 0.6
    """Of enough: with less, words alone bring no document among the first."""
    first: int = 10
    """So many places; those that are the first by meaning stand there."""
    title: float = 0.1
    """Worth of a word in the title, to that of one in the text."""
    simple: float = 0.1
    """Worth of a word as it stands, to that of its stem."""
    normalization: int = 1
    """Of ts_rank: by 1 + log(length)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A document with its best chunk; ``sure`` says how much of enough of the query's words this has, 0 to 1."""

    document: int
    chunk: int
    score: float
    sure: float = 1.0
