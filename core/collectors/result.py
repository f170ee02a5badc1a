"""The result of a run, scope by scope."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.logs.redaction import redact

Outcome = Literal["succeeded", "partial", "failed", "busy"]
MOST_SCOPES = 10_000
"""Reports of scopes that the ledger stores for one run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeReport:
    """The result of one repository or channel; ``reason`` is one line for people."""

    scope: str
    outcome: Outcome
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: int = 0
    reason: str = ""
    category: str = ""
    stops_run: bool = False
    notes: Sequence[str] = ()
    """Lines about data that the source does not show although nothing failed."""
    waits: bool = False
    """A limit held the scope back; it may be tried again after the other scopes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectorResult:
    """A ``TrackerResult`` with details. ``success`` is true only when nothing is missing."""

    outcome: Outcome = "succeeded"
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    requests: int = 0
    skipped: int = 0
    scopes: Sequence[ScopeReport] = ()

    @property
    def success(self) -> bool:
        """Whether everything was collected."""
        return self.outcome == "succeeded"

    @classmethod
    def of(cls, reports: Sequence[ScopeReport], *, requests: int) -> "CollectorResult":
        """Sum up reports: the outcome that all scopes share, else partial; succeeded without scopes."""
        counts: Counter[str] = Counter()
        for report in reports:
            counts.update(report.counts)
        outcomes: set[Outcome] = {report.outcome for report in reports}
        outcome: Outcome = outcomes.pop() if len(outcomes) == 1 else "partial" if outcomes else "succeeded"
        skipped = sum(report.skipped for report in reports)
        return cls(outcome=outcome, counts=dict(counts), requests=requests, skipped=skipped, scopes=tuple(reports))


def stored_reports(reports: Sequence[ScopeReport]) -> list[dict[str, Any]]:
    """Return the reports as the ledger stores them: incomplete scopes first, reasons without secrets."""
    ordered = sorted(reports, key=lambda report: (report.outcome == "succeeded", report.scope))
    return [
        {
            "scope": r.scope, "outcome": r.outcome, "counts": dict(r.counts), "reason": redact(r.reason)[:500],
            "category": r.category,
        }
        for r in ordered[:MOST_SCOPES]
    ]  # fmt: skip
