"""Two lists become one: the likeness of meaning, and the worth of words as a share of the best text's.

Scores say more than ranks here: a list by text that finds nothing good still has a first rank. See
Bruch, Gai, Ingber 2022, https://arxiv.org/abs/2210.11934, and docs/search.md for what was tried.
"""

from collections import defaultdict
from collections.abc import Sequence

from core.search.query.tuning import Ranked


def fused(text: Sequence[Ranked], dense: Sequence[Ranked], share: float) -> list[Ranked]:
    """One list, the best first. ``share`` is that of the text, 0 to 1; the rest is that of meaning.

    The chunk shown for a document is that of the list which gives it more.
    """
    scores: dict[int, float] = defaultdict(float)
    shown: dict[int, tuple[float, int]] = {}
    most = max((item.score for item in text), default=0.0) or 1.0
    for items, scale in ((text, share / most), (dense, 1 - share)):
        for item in items:
            gain = max(0.0, item.score) * scale
            scores[item.document] += gain
            shown[item.document] = max(shown.get(item.document, (-1.0, 0)), (gain, item.chunk))
    best = sorted(scores, key=lambda document: (-scores[document], document))
    return [Ranked(document=document, chunk=shown[document][1], score=scores[document]) for document in best]
