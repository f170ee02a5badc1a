"""Combine the rankings of a query: documents by their words, chunks by their words, and chunks by their meaning.

A document's score is the cosine similarity of its best chunk, plus a gain for the words in the whole document, plus a
smaller gain for the words in its best chunk. The fusion uses scores instead of ranks, because the first result of a
ranking may still be a poor match. See Bruch, Gai, Ingber 2022, https://arxiv.org/abs/2210.11934.

The gain for words is relative to the highest possible score of the query. A query with many unknown words, for example
in another language than the documents, therefore relies on the meaning. docs/search.md lists the alternatives that were
measured.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingParameters:
    """Parameters of the ranking. ``bench/retrieval`` measured their values, see docs/search.md."""

    depth: int = 100
    """Maximum number of documents from each text search."""
    vectors: int = 200
    """Maximum number of chunks from vector search."""
    words: float = 1.0
    """Gain of a document that contains every word of the query often. The cosine similarity adds at most 1."""
    passage: float = 0.1
    """Gain of the document with the chunk that matches best, if the chunk contains enough words of the query."""
    recent: float = 0.01
    """Gain of a document of today. It halves with every year. It only decides between nearly equal documents."""
    reserved: int = 2
    """Number of first documents of each ranking that are always among the ``first`` results."""
    first: int = 10
    """Number of leading results for the rule of ``reserved``: about one page."""
    saturation: float = 0.9
    """BM25's k1. With a smaller value, repetitions of a word in a document count less."""
    length: float = 0.75
    """BM25's b, from 0 to 1. With a larger value, long documents need more matching chunks."""
    titled: float = 3
    """Number of chunks for which a word in the title counts."""
    parts: float = 0.2
    """Weight of an exact word form or a part of an identifier relative to a stem, in the ranking of documents."""
    enough: float = 16
    """Total weight of matching words with which a chunk matches fully: two or three rare words. If the whole query has
    less weight, all words of the query must match."""
    in_title: float = 0.5
    """Share of a word's weight that counts towards ``enough`` if only the title contains the word."""
    title: float = 0.1
    """Weight of a word in the title relative to a word in the text, in the ranking of chunks."""
    simple: float = 0.1
    """Weight of an exact word form relative to its stem, in the ranking of chunks."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Rankings:
    """The rankings of one query, each best first.

    The score in ``documents`` is a share of the highest possible score, at most 1. The score in ``dense`` is a cosine
    similarity. ``recency`` is 1 for documents of today, and halves with every year of age.
    """

    chunks: Sequence[Ranked] = ()
    documents: Sequence[Ranked] = ()
    dense: Sequence[Ranked] = ()
    recency: Mapping[int, float] = field(default_factory=dict[int, float])


def fuse(rankings: Rankings, parameters: RankingParameters) -> list[Ranked]:
    """Return one ranking, best first. A document's chunk comes from the ranking that adds most to the score.

    A document outside of the dense ranking counts as similar as the last document of that ranking.
    """
    highest = max((item.score for item in rankings.chunks), default=0.0) or 1.0
    lowest = min((item.score for item in rankings.dense), default=0.0)
    gains = [
        *((item, parameters.words * item.score) for item in rankings.documents),
        *((item, parameters.passage * item.sure * item.score / highest) for item in rankings.chunks),
        *((item, item.score - lowest) for item in rankings.dense),
    ]
    scores: dict[int, float] = defaultdict(float)
    shown: dict[int, int] = {}
    for item, gain in gains:
        scores[item.document] += gain
    for item in (*rankings.documents, *rankings.dense, *rankings.chunks):
        shown[item.document] = item.chunk
    for document in scores:
        scores[document] += parameters.recent * rankings.recency.get(document, 0.0)
    sure = {item.document: item.sure for item in rankings.chunks}
    by_score = sorted(scores, key=lambda document: (-scores[document], document))
    return [
        Ranked(document=document, chunk=shown[document], score=scores[document], sure=sure.get(document, 0.0))
        for document in _with_reserved_places(by_score, rankings, parameters)
    ]


def _with_reserved_places(by_score: list[int], rankings: Rankings, parameters: RankingParameters) -> list[int]:
    """Return the documents with the reserved documents among the ``first``, otherwise in the same order.

    No ranking can push the best documents of another ranking out of sight.
    """
    reserved = {
        item.document
        for ranking in (rankings.documents, rankings.dense, rankings.chunks)
        for item in ranking[: parameters.reserved]
    }
    free = max(0, parameters.first - len(reserved))
    others = [document for document in by_score if document not in reserved][:free]
    first = reserved | set(others)
    leading = [document for document in by_score if document in first]
    return [*leading, *(document for document in by_score if document not in first)]
