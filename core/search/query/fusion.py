"""Combine the ranking by words and the ranking by meaning.

A document's score is the cosine similarity of its best chunk plus a gain for the words of the query that it contains.
The fusion uses scores instead of ranks, because the first result of a text search may still be a poor match. See Bruch,
Gai, Ingber 2022, https://arxiv.org/abs/2210.11934.

A document may contain one rare word of the query by chance, but hardly three. The gain therefore grows with the weight
of the matching words. Without enough matching words, a document does not displace the first results by meaning.
docs/search.md lists the alternatives that were measured.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingParameters:
    """Parameters of the ranking. ``bench/retrieval`` measured their values, see docs/search.md."""

    depth: int = 100
    """Maximum number of chunks from vector search, and of documents from text search."""
    text: float = 0.28
    """Gain of the best text match if its matching words have the weight ``enough``. The cosine similarity adds at most
    1."""
    enough: float = 16
    """Total weight of matching words with which a document gets the full gain: two or three rare words. If the whole
    query has less weight, all words of the query must match for the full gain."""
    in_title: float = 0.5
    """Share of a word's weight that counts towards ``enough`` if only the title contains the word."""
    steepness: float = 2
    """Exponent of ``Ranked.sure`` in the gain. A larger value lowers the gain of documents with few matching words."""
    sure: float = 0.6
    """Minimum of ``Ranked.sure`` for a document to be among the ``first`` results by words alone."""
    first: int = 10
    """Number of leading results that are reserved for documents near in meaning and for documents with many matching
    words."""
    title: float = 0.1
    """Weight of a word in the title relative to a word in the text."""
    simple: float = 0.1
    """Weight of an exact word form relative to its stem."""
    normalization: int = 1
    """Normalization argument of ``ts_rank``: 1 divides the rank by 1 + the logarithm of the text's length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A document with its best chunk.

    ``sure`` is the weight of the matching words of the query, divided by the weight that gives the full gain. It is at
    most 1.
    """

    document: int
    chunk: int
    score: float
    sure: float = 1.0
    is_passage: bool = False
    """Whether the chunk itself was asked for, for example by the address of a comment, and must be shown."""


def fuse(text: Sequence[Ranked], dense: Sequence[Ranked], parameters: RankingParameters) -> list[Ranked]:
    """Return one ranking, best first. A document's chunk comes from the ranking that adds more to the score."""
    scores: dict[int, float] = defaultdict(float)
    best_chunk: dict[int, tuple[float, int]] = {}
    highest = max((item.score for item in text), default=0.0) or 1.0
    gains = [(item, parameters.text * item.sure**parameters.steepness * item.score / highest) for item in text]
    for item, gain in [*gains, *((item, item.score) for item in dense)]:
        scores[item.document] += max(0.0, gain)
        best_chunk[item.document] = max(best_chunk.get(item.document, (-1.0, 0)), (gain, item.chunk))
    by_score = sorted(scores, key=lambda document: (-scores[document], document))
    return [
        Ranked(document=document, chunk=best_chunk[document][1], score=scores[document])
        for document in _with_reserved_places(by_score, text, dense, parameters)
    ]


def _with_reserved_places(
    by_score: list[int], text: Sequence[Ranked], dense: Sequence[Ranked], parameters: RankingParameters
) -> list[int]:
    """Return the documents, with up to ``first`` eligible documents moved to the beginning in the same order.

    A document is eligible if it is near in meaning, or if its ``sure`` is at least ``RankingParameters.sure``.
    """
    eligible = {item.document for item in dense[: parameters.first]}
    eligible |= {item.document for item in text if item.sure >= parameters.sure}
    first = [document for document in by_score if document in eligible][: parameters.first]
    reserved = set(first)
    return [*first, *(document for document in by_score if document not in reserved)]
