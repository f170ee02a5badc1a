"""Estimates of the cost of a collection, for ``--estimate``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from core.operations.output import counted_words, number_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The maximum cost of collecting one scope. ``points`` is 0 for sources without a point budget."""

    scope: str
    requests: int
    points: int = 0
    seconds: float = 0.0
    items: Mapping[str, int] = field(default_factory=dict[str, int])
    note: str = ""


@runtime_checkable
class Estimating(Protocol):
    """A collector that can estimate the cost of a run."""

    def estimate(self) -> Sequence[Estimate]:
        """Return one estimate for each scope. Requests only totals from the source."""
        ...


def in_words(estimate: Estimate) -> str:
    """Return the estimate as one line for users."""
    minutes = estimate.seconds / 60
    time = "under a minute" if minutes < 1 else f"about {minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    points = f", {estimate.points:,} points" if estimate.points else ""
    items = counted_words(estimate.items)
    line = f"{estimate.scope}: at most {number_of(estimate.requests, 'request')}{points}, {time}"
    line = f"{line} ({items})" if items else line
    return f"{line}; {estimate.note}" if estimate.note else line
