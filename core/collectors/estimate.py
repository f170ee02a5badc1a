"""What a collection would cost, told before it is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from core.operations.words import counted_words, number_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """For one scope: at most so many requests, points (where a source counts them) and seconds."""

    scope: str
    requests: int
    points: int = 0
    seconds: float = 0.0
    items: Mapping[str, int] = field(default_factory=dict[str, int])
    note: str = ""


@runtime_checkable
class Estimating(Protocol):
    """A collector that can tell its costs."""

    def estimate(self) -> Sequence[Estimate]:
        """Ask the source for totals only."""
        ...


def in_words(estimate: Estimate) -> str:
    """One line for people."""
    minutes = estimate.seconds / 60
    time = "under a minute" if minutes < 1 else f"about {minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    points = f", {estimate.points:,} points" if estimate.points else ""
    items = counted_words(estimate.items)
    told = f"{estimate.scope}: at most {number_of(estimate.requests, 'request')}{points}, {time}"
    told = f"{told} ({items})" if items else told
    return f"{told}; {estimate.note}" if estimate.note else told
