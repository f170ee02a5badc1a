"""``ScopedCollector``: collects scopes one after the other, each under its own lock and with its own report."""

import hashlib
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.apps import apps
from django.utils import timezone

from core.collectors.abstract import AbstractCollector
from core.collectors.progress import Progress, Silence
from core.collectors.result import CollectorResult, Outcome, ScopeReport
from core.errors import (
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
    classify_failure,
)
from core.ingest.records import CONVERSION_ERRORS, PageResult
from core.models import Scope
from core.operations.http import Allowance
from core.runs import scope_lock
from core.search.documents import DocumentSource

logger = logging.getLogger(__name__)
Target = TypeVar("Target")
BUSY = "another run is collecting it; skipped"
ENDS_RUN = (BudgetExhausted, ReplaceToken)
"""Errors that every other scope of the run would meet as well."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a run has collected of one scope so far; it becomes the scope's report."""

    counts: Counter[str] = field(default_factory=Counter[str])
    malformed: int = 0
    notes: list[str] = field(default_factory=list[str])

    def add(self, result: PageResult, what: str = "items") -> None:
        """Add the result of one page."""
        for name in ("inserted", "updated", "deleted"):
            if number := getattr(result, name):
                self.counts[f"{what}_{name}"] += number
        self.malformed += result.malformed


class ScopedCollector(AbstractCollector, Generic[Target]):
    """Collects each target in turn. An error ends its own scope and is reported; the others are still collected.

    Rows that were stored before an error stay, and the next run resumes behind them. A subclass defines ``name``,
    ``validate_config``, ``targets`` and ``collect_scope``.
    """

    def __init__(self, *, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.allowance = Allowance(max_requests, max_seconds)
        """The requests and seconds that this run may spend; clients of the source are opened with it."""
        self.progress: Progress = Silence()
        self.tallies: list[Tally] = []
        """One tally for each scope, the current one last."""

    @abstractmethod
    def targets(self) -> Iterable[Target]:
        """Return what to collect, in this order. An error here ends the run before anything is stored."""

    @abstractmethod
    def collect_scope(self, target: Target, scope: Scope, tally: Tally) -> None:
        """Fetch, convert and store the pages of one scope, whose lock is held. Add each page to the tally."""

    def open_scope(self, target: Target) -> Scope:
        """Return the scope of a target, created if it is new. By default the target is an address."""
        address = str(target)
        scope, _ = Scope.objects.get_or_create(
            source_system=self.name,
            external_id=hashlib.sha256(address.encode()).hexdigest()[:32],
            defaults={"name": address[:300], "url": address[:500]},
        )
        return scope

    def document_sources(self) -> Sequence[DocumentSource]:
        """Return the document source of the installed tracker whose ``source_system`` is the name of the collector."""
        trackers = [app for app in apps.get_app_configs() if getattr(app, "source_system", "") == self.name]
        sources: list[DocumentSource | None] = [tracker.document_source() for tracker in trackers]  # pyright: ignore[reportAttributeAccessIssue]  # a TrackerConfig
        return [source for source in sources if source is not None]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return what this run has stored so far, over all scopes."""
        return sum((tally.counts for tally in self.tallies), Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect every target. Raises ReplaceToken or ConfigurationError when nothing was stored before it."""
        reports: list[ScopeReport] = []
        for target in self.targets():
            reports.append(self._collect(target))
            if reports[-1].stops_run:
                break
        return CollectorResult.of(reports, requests=self.allowance.spent)

    def _collect(self, target: Target) -> ScopeReport:
        """Collect one target and return its report."""
        scope, tally = self.open_scope(target), Tally()
        self.tallies.append(tally)
        try:
            with scope_lock(self.name, scope.external_id, name=scope.name) as is_held:
                if not is_held:
                    raise ScopeBusy(BUSY)
                self.collect_scope(target, scope, tally)
        except (ReplaceToken, ConfigurationError) as error:
            if not any(self.counts_so_far().values()):
                raise
            return self._report_error(scope, tally, error)
        except CollectorError as error:
            return self._report_error(scope, tally, error)
        except CONVERSION_ERRORS as error:  # an answer of an unexpected shape ends its own scope only
            category = classify_failure(error).value
            logger.exception("collection failed scope=%s", scope.name, extra={"failure_category": category})
            unexpected = CollectorError("the source sent unexpected data; the log has the details; run again later")
            return self._report_error(scope, tally, unexpected)
        if tally.malformed:
            return _report(scope, tally, "partial", f"{tally.malformed} items could not be read")
        Scope.objects.filter(pk=scope.pk).update(last_completed_at=timezone.now(), not_before=None)
        return _report(scope, tally, "succeeded")

    def _report_error(self, scope: Scope, tally: Tally, error: CollectorError) -> ScopeReport:
        """Return the report of a scope whose collection ended early."""
        is_partial = error.exit_code == 3 or bool(tally.counts.total())
        outcome: Outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if is_partial else "failed"
        if isinstance(error, RetryLater):
            Scope.objects.filter(pk=scope.pk).update(not_before=error.not_before)
        logger.info("collection ended early scope=%s outcome=%s reason=%s", scope.name, outcome, error)
        return _report(scope, tally, outcome, str(error), error=error)


def _report(
    scope: Scope, tally: Tally, outcome: Outcome, reason: str = "", *, error: CollectorError | None = None
) -> ScopeReport:
    return ScopeReport(
        scope=scope.name, outcome=outcome, counts=dict(tally.counts), reason=reason, notes=tally.notes,
        skipped=tally.malformed + (error is not None and not isinstance(error, ScopeBusy)),
        category=error.category.value if error else "", stops_run=isinstance(error, ENDS_RUN),
    )  # fmt: skip
