"""Join the documents found by text and by meaning into one ranking.

A document's score is the cosine similarity of its best chunk plus a gain for the words of the query that it contains.
Scores are better evidence than ranks here: the first rank of a text search may still be a poor match. See Bruch, Gai,
Ingber 2022, https://arxiv.org/abs/2210.11934. One rare word in common may be chance, three are not: the gain grows with
the weight of the words that match, and without enough of them a document displaces none of the first by meaning.
docs/search.md lists the alternatives that were measured.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingParameters:
    """Parameters of the ranking, measured with ``bench/retrieval``; see docs/search.md."""

    depth: int = 100
    """Chunks that vector search returns, and documents that text search adds."""
    text: float = 0.28
    """Gain of the best match by text that contains enough of the query. Cosine similarity gains 1 at most."""
    enough: float = 16
    """Total weight of words that is enough, unless the query has less: two or three rare words."""
    in_title: float = 0.5
    """Share of its weight that a word counts for ``enough`` when only the title contains it."""
    steepness: float = 2
    """Exponent by which the gain falls with the share of enough words that match."""
    sure: float = 0.6
    """Share of enough words that a document needs to be among the ``first`` by words alone."""
    first: int = 10
    """Number of leading results that are reserved for documents near in meaning or with enough words."""
    title: float = 0.1
    """Weight of a word in the title relative to a word in the text."""
    simple: float = 0.1
    """Weight of an exact word form relative to its stem."""
    normalization: int = 1
    """Normalization of ts_rank: 1 divides by 1 + log(length)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A document with its best chunk. ``sure`` is the share of enough query words that it contains, 0 to 1."""

    document: int
    chunk: int
    score: float
    sure: float = 1.0


def fuse(text: Sequence[Ranked], dense: Sequence[Ranked], parameters: RankingParameters) -> list[Ranked]:
    """Return one ranking, best first. The chunk of a document comes from the ranking that adds more to its score."""
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
    """Move documents that may be among the first results before the others, in the same order."""
    eligible = {item.document for item in dense[: parameters.first]}
    eligible |= {item.document for item in text if item.sure >= parameters.sure}
    first = [document for document in by_score if document in eligible][: parameters.first]
    reserved = set(first)
    return [*first, *(document for document in by_score if document not in reserved)]
