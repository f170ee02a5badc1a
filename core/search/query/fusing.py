"""Reciprocal rank fusion: what stands high in either list stands high.

Cormack, Clarke, Büttcher 2009: https://plg.uwaterloo.ca/~gvcormac/cormacksigir09-rrf.pdf
"""

from collections import defaultdict
from collections.abc import Sequence

from core.search.query.tuning import Ranked


def fused(lists: Sequence[tuple[float, Sequence[Ranked]]], rank_constant: int) -> list[Ranked]:
    """Weighted lists as one; the chunk shown for a document is that of the list which ranks it highest."""
    scores: dict[int, float] = defaultdict(float)
    shown: dict[int, tuple[float, int]] = {}
    for weight, ranked in lists:
        for rank, item in enumerate(ranked, start=1):
            gain = weight / (rank_constant + rank)
            scores[item.document] += gain
            shown[item.document] = max(shown.get(item.document, (0.0, 0)), (gain, item.chunk))
    best = sorted(scores, key=lambda document: (-scores[document], document))
    return [Ranked(document=document, chunk=shown[document][1], score=scores[document]) for document in best]
