"""Recall at 1 and at 10, and the mean reciprocal rank, of each mode and set."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bench.retrieval.questions import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Of 0 to 1; the reciprocal rank counts ten places."""

    recall_1: float
    recall_10: float
    mrr: float

    def __str__(self) -> str:
        return f"{self.recall_1:.3f} {self.recall_10:.3f} {self.mrr:.3f}"


def place(question: Question, found: Sequence[str]) -> int | None:
    """Of the first right answer, from 1; ``None`` beyond ten."""
    return next((n for n, name in enumerate(found[:10], start=1) if name in question.answers), None)


def score(places: Sequence[int | None]) -> Score:
    """Of all questions together."""
    count = max(1, len(places))
    return Score(
        recall_1=places.count(1) / count,
        recall_10=sum(p is not None for p in places) / count,
        mrr=sum(1 / p for p in places if p) / count,
    )


def tuning_half(question: Question) -> bool:
    """Whether a question may be tuned on; the other half is kept for the figures."""
    return hashlib.sha256(question.words.encode()).digest()[0] % 2 == 0
