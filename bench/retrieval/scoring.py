"""Computes recall at 1, recall at 10 and the mean reciprocal rank (MRR)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bench.retrieval.questions import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Scores from 0 to 1. A question without a correct answer among the first ten results counts as 0."""

    recall_1: float
    recall_10: float
    mrr: float

    def __str__(self) -> str:
        return f"{self.recall_1:.3f} {self.recall_10:.3f} {self.mrr:.3f}"


def answer_rank(question: Question, results: Sequence[str]) -> int | None:
    """Return the rank of the first correct answer, starting at 1, or ``None`` if it is not among the first ten."""
    return next((n for n, name in enumerate(results[:10], start=1) if name in question.answers), None)


def score(ranks: Sequence[int | None]) -> Score:
    """Compute the score of a question set from the rank of the first correct answer to each question."""
    count = max(1, len(ranks))
    return Score(
        recall_1=ranks.count(1) / count,
        recall_10=sum(rank is not None for rank in ranks) / count,
        mrr=sum(1 / rank for rank in ranks if rank) / count,
    )


def tuning_half(question: Question) -> bool:
    """Return whether a question belongs to the half for tuning parameters. The other half only tests the parameters."""
    return hashlib.sha256(question.words.encode()).digest()[0] % 2 == 0
