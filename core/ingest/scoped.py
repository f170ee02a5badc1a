"""``ScopedCollector``: collects scopes one after the other. Each scope has its own lock and its own report."""

import hashlib
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from django.apps import apps
from django.utils import timezone

from core.collectors.abstract import AbstractCollector, CollectorResult, Outcome, ScopeReport
from core.collectors.progress import Progress, Silence
from core.errors import (
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
    classify_failure,
)
from core.ingest.garbage import rare_garbage_collection
from core.ingest.records import CONVERSION_ERRORS, PageResult
from core.models import Scope
from core.operations.bounds import Allowance
from core.operations.output import number_of
from core.runs import scope_lock
from core.search.documents import DocumentSource

logger = logging.getLogger(__name__)
Target = TypeVar("Target")
BUSY = "another run is collecting it; skipped"


@dataclass(kw_only=True, slots=True)
class Tally:
    """The results of one scope so far. ``ScopedCollector.report_of`` turns them into the scope's report."""

    name: str = ""
    """Name of the scope in its report."""
    scope: Scope | None = None
    """The row of the scope, or ``None`` until the scope is opened."""
    counts: Counter[str] = field(default_factory=Counter[str])
    complete: list[str] = field(default_factory=list[str])
    """Streams that were read to their end, including streams without new items."""
    malformed: int = 0
    failures: list[str] = field(default_factory=list[str])
    """Lines about data that could not be read. Any line makes the outcome of the scope partial."""
    notes: list[str] = field(default_factory=list[str])
    error: Exception | None = None
    """The error that ended the collection of the scope early, or ``None``."""
    stops_run: bool = False
    """Whether the error also ends the run."""

    def add(self, result: PageResult, what: str = "items") -> None:
        """Add the result of one page.

        ``what`` is the prefix of its count names, such as ``issues`` in ``issues_inserted``.
        """
        for name in ("inserted", "updated", "deleted"):
            if number := getattr(result, name):
                self.counts[f"{what}_{name}"] += number
        self.malformed += result.malformed


class ScopedCollector(AbstractCollector, Generic[Target]):
    """Collects each target in turn. An error of one scope is reported, and the other scopes are still collected.

    Rows that were stored before an error stay, and the next run resumes after them. A subclass defines ``name``,
    ``validate_config``, ``targets`` and ``collect_scope``. If a target is not one row of ``Scope``, the subclass
    overrides ``collect_target`` instead of ``collect_scope``.
    """

    isolated: ClassVar[tuple[type[Exception], ...]] = (CollectorError, *CONVERSION_ERRORS)
    """Errors that end the collection of one scope. Any other error ends the run without a report."""
    ends_run: ClassVar[tuple[type[Exception], ...]] = (BudgetExhausted, ReplaceToken)
    """Errors that also end the run, because they would end the collection of every other scope too."""
    incomplete: ClassVar[tuple[str, ...]] = ()
    """Suffixes of count names. A count with one of these suffixes makes the outcome of the scope partial."""
    unexpected: ClassVar[str] = "the source sent unexpected data; the log has the details; run again later"
    """The reason in the report for errors other than ``CollectorError``."""
    logs_early_ends: ClassVar[bool] = True
    """Whether the log also gets the reason when the collection of a scope ends early."""

    def __init__(self, *, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.allowance = Allowance(max_requests, max_seconds)
        """The requests and seconds that this run may use. Pass it to the clients of the source."""
        self.progress: Progress = Silence()
        self.tallies: list[Tally] = []
        """One tally for each collection of a scope. The current tally is the last one."""
        self.reports: dict[Hashable, ScopeReport] = {}
        """The latest report of each target, by ``report_key``. ``targets`` may add reports of omitted targets."""

    @abstractmethod
    def targets(self) -> Iterable[Target]:
        """Return the targets in the order of their collection. An error in this method ends the run.

        A generator can read the report of a target after it has yielded the target. It can then yield the target again.
        The later report replaces the earlier report.
        """

    def collect_scope(self, target: Target, scope: Scope, tally: Tally) -> None:
        """Fetch, convert and store the pages of one scope, and add each page to the tally. The lock is already held."""
        raise NotImplementedError

    def open_scope(self, target: Target) -> Scope:
        """Return the scope of a target, and create it if it is new. This implementation expects a URL as target."""
        address = str(target)
        scope, _ = Scope.objects.get_or_create(
            source_system=self.name,
            external_id=hashlib.sha256(address.encode()).hexdigest()[:32],
            defaults={"name": address[:300], "url": address[:500]},
        )
        return scope

    def document_sources(self) -> Sequence[DocumentSource]:
        """Return the document sources of the trackers that have the collector's name as ``source_system``."""
        trackers = [app for app in apps.get_app_configs() if getattr(app, "source_system", "") == self.name]
        sources: list[DocumentSource | None] = [tracker.document_source() for tracker in trackers]  # pyright: ignore[reportAttributeAccessIssue]  # a TrackerConfig
        return [source for source in sources if source is not None]

    def counts_so_far(self) -> Mapping[str, int]:
        """Return the counts of this run so far, summed over all scopes."""
        return sum((tally.counts for tally in self.tallies), Counter[str]())

    def collect(self) -> CollectorResult:
        """Collect every target, and return the result of the run.

        ReplaceToken and ConfigurationError are raised only if the run has stored nothing. Later they appear in a
        report.
        """
        self.reports = {}
        with rare_garbage_collection():
            for target in self.targets():
                report = self.reports[self.report_key(target)] = self._collect(target)
                if report.stops_run:
                    break
        return CollectorResult.of(list(self.reports.values()), requests=self.allowance.spent)

    def _collect(self, target: Target) -> ScopeReport:
        tally = Tally()
        self.tallies.append(tally)
        try:
            self.collect_target(target, tally)
        except self.isolated as error:
            if self.fails_run(error):
                raise
            tally.error = error
        return self.report_of(target, tally)

    def collect_target(self, target: Target, tally: Tally) -> None:
        """Open the scope of a target, and collect it under its lock.

        If everything was read, save the time of completion. An error that ends the collection of the scope is raised.
        An override that must do more work after the error sets ``tally.error`` instead.
        """
        tally.scope = scope = self.open_scope(target)
        tally.name = scope.name
        with self.locked(scope.external_id, scope.name):
            self.collect_scope(target, scope, tally)
        if tally.malformed:
            tally.failures.append(f"{number_of(tally.malformed, 'item')} could not be read")
        elif tally.error is None:
            Scope.objects.filter(pk=scope.pk).update(last_completed_at=timezone.now(), not_before=None)

    @contextmanager
    def locked(self, external_id: str, name: str | None) -> Generator[None]:
        """Hold the lock of a scope. Raises ScopeBusy if another run holds the lock."""
        with scope_lock(self.name, external_id, name=name) as is_held:
            if not is_held:
                raise ScopeBusy(BUSY)
            yield

    def fails_run(self, error: Exception) -> bool:
        """Return whether an error fails the whole run: a token or setting is wrong, and nothing was stored."""
        has_stored = bool(self.tallies[-1].complete) or any(self.counts_so_far().values())
        return isinstance(error, (ReplaceToken, ConfigurationError)) and not has_stored

    def report_key(self, target: Target) -> Hashable:
        """Return the key of a target in ``reports``. A later report with the same key replaces the earlier report."""
        return target

    def report_of(self, target: Target, tally: Tally) -> ScopeReport:
        """Return the report of one collection of a scope."""
        counts = {name: number for name, number in tally.counts.items() if number}
        is_short = bool(tally.failures) or any(name.endswith(self.incomplete) for name in counts)
        outcome: Outcome = "partial" if is_short else "succeeded"
        reason, category, error = "", "", tally.error
        if error is not None:
            tally.stops_run = isinstance(error, self.ends_run)
            reason, category = self.explain(target, tally, error), classify_failure(error).value
            is_partial = getattr(error, "exit_code", 1) == 3 or bool(counts or tally.complete)
            outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if is_partial else "failed"
            if isinstance(error, RetryLater) and tally.scope is not None:
                Scope.objects.filter(pk=tally.scope.pk).update(not_before=error.not_before)
            if self.logs_early_ends:
                logger.info("collection ended early scope=%s outcome=%s reason=%s", tally.name, outcome, reason)
        return ScopeReport(
            scope=tally.name, outcome=outcome, counts=counts, notes=tally.notes,
            skipped=tally.malformed + (error is not None and not isinstance(error, ScopeBusy)),
            reason="; ".join(filter(None, [reason, *tally.failures])), category=category, stops_run=tally.stops_run,
            waits=isinstance(error, RetryLater),
        )  # fmt: skip

    def explain(self, target: Target, tally: Tally, error: Exception) -> str:
        """Return the reason why the collection of a scope ended early, as text for users.

        Log an unexpected error with its traceback.
        """
        if isinstance(error, CollectorError):
            return str(error)
        category = classify_failure(error).value
        logger.error("collection failed scope=%s", tally.name, extra={"failure_category": category}, exc_info=error)
        return self.unexpected
