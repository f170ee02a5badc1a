"""Two lists become one: the likeness of meaning, and what the words say, as far as there are enough of them.

Scores say more than ranks here: a list by text that finds nothing good still has a first rank. See Bruch, Gai, Ingber
2022, https://arxiv.org/abs/2210.11934. One rare word in common may be chance, three are not: so a text gains by the
worth of the words that it has of the query, and without enough of them displaces none of the first by meaning.
docs/search.md says what else was tried.
"""

from collections import defaultdict
from collections.abc import Sequence

from core.search.query.ranking import Ranked, Tuning


def fused(text: Sequence[Ranked], dense: Sequence[Ranked], tuning: Tuning) -> list[Ranked]:
    """One list, the best first. The chunk shown for a document is that of the list which gives it more."""
    scores: dict[int, float] = defaultdict(float)
    shown: dict[int, tuple[float, int]] = {}
    most = max((item.score for item in text), default=0.0) or 1.0
    gains = [(item, tuning.text * item.sure**tuning.steepness * item.score / most) for item in text]
    for item, gain in [*gains, *((item, item.score) for item in dense)]:
        scores[item.document] += max(0.0, gain)
        shown[item.document] = max(shown.get(item.document, (-1.0, 0)), (gain, item.chunk))
    best = sorted(scores, key=lambda document: (-scores[document], document))
    return [
        Ranked(document=document, chunk=shown[document][1], score=scores[document])
        for document in _first(best, text, dense, tuning)
    ]


def _first(best: list[int], text: Sequence[Ranked], dense: Sequence[Ranked], tuning: Tuning) -> list[int]:
    """The same, with those that may be among the first before those that may not."""
    may = {item.document for item in dense[: tuning.first]}
    may |= {item.document for item in text if item.sure >= tuning.sure}
    first = [document for document in best if document in may][: tuning.first]
    taken = set(first)
    return [*first, *(document for document in best if document not in taken)]
