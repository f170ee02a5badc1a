"""The overall status of collections and the index, for people, Nagios and other programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from django.db.models import Count, Q

from core.models import ApiBudget, CollectorRun, SkippedItem
from core.monitoring.freshness import Freshness, freshness
from core.operations.output import number_of
from core.runs import BY_HAND, mark_interrupted
from core.search.namespaces import entries_waiting

Outcome = CollectorRun.Outcome
VERY_STALE = 2
"""Multiple of a scope's limit above which its age is critical. A stale scope below this multiple is a warning, because
the next run may complete it."""
LONG = timedelta(hours=24)
"""Duration above which a current run is reported. With a shorter duration, long first collections would be reported."""
INDEX_PATIENCE = timedelta(hours=1)
"""Minimum time between the end of the last run and a warning about documents that are not indexed.

A separate job may run ``sync_index`` in this time.
"""
CONFIGURATION = {"validation", "auth"}
"""Failure categories that mean a wrong setting or token."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""Maximum time by which a stored time may be ahead of the database server's clock without a report.

Smaller differences between the clocks of machines are normal.
"""


class Level(IntEnum):
    """The levels of a status. Their values are the exit codes of a Nagios plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One problem. ``text`` is a single line."""

    level: Level
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The result of all checks. ``figures`` are in display order."""

    findings: Sequence[Finding]
    figures: dict[str, int]
    last_runs: Sequence[CollectorRun]
    scopes: Sequence[Freshness]
    budgets: Sequence[ApiBudget] = field(default_factory=list[ApiBudget])

    @property
    def level(self) -> Level:
        """Return the worst level of the findings."""
        return max((finding.level for finding in self.findings), default=Level.OK)


def status(now: datetime) -> Status:
    """Check runs, scopes and the index. The number of statements does not depend on the number of rows.

    ``now`` is the database server's time. Runs are ordered by id, because their times may be out of order after a clock
    jump.
    """
    mark_interrupted()
    scopes = freshness(now)
    last = list(CollectorRun.objects.order_by("collector", "-pk").distinct("collector"))
    by_hand = Q(outcome=Outcome.INTERRUPTED, failure_category=BY_HAND)
    ended = CollectorRun.objects.exclude(outcome__in=[Outcome.RUNNING, Outcome.BUSY]).exclude(by_hand)
    last_ended = list(ended.order_by("collector", "-pk").distinct("collector"))
    running = list(CollectorRun.objects.filter(outcome=Outcome.RUNNING))
    entries = entries_waiting()
    waiting: Counter[str] = Counter(dict(entries.values_list("state").annotate(Count("pk")).order_by()))
    figures = {
        "scopes": len(scopes), "stale": sum(one.stale for one in scopes), "running": len(running),
        "documents_waiting": waiting["dirty"] + waiting["failed"], "documents_failed": waiting["failed"],
        "skipped": SkippedItem.objects.filter(cleared_at=None).count(),
    }  # fmt: skip
    findings = [
        *_of_runs(_without_good_start(last_ended, running)),
        *_of_scopes(scopes),
        *_of_running(running, now),
        *_in_the_future(last, scopes, now),
    ]
    if waiting["dirty"] and not running and _is_index_behind(last_ended, now):
        text = (
            f"the search index is behind: {number_of(waiting['dirty'], 'document')} to index; run manage.py sync_index"
        )
        findings.append(Finding(level=Level.WARNING, text=text))
    if waiting["failed"]:
        newest = entries.filter(state="failed").order_by("-next_try_at", "-pk").values_list("last_error", flat=True)
        reason = " ".join((newest.first() or "").split())[:200]
        count = number_of(waiting["failed"], "document")
        text = f"{count} cannot be indexed ({reason}); see the index entries in the admin"
        findings.append(Finding(level=Level.WARNING, text=text))
    if not last_ended and not running:
        findings.append(Finding(level=Level.WARNING, text="nothing has been collected yet; run manage.py collect_all"))
    findings.sort(key=lambda finding: -finding.level)
    budgets = list(ApiBudget.objects.all())
    return Status(findings=findings, figures=figures, last_runs=last, scopes=scopes, budgets=budgets)


def _without_good_start(last_ended: Sequence[CollectorRun], running: Sequence[CollectorRun]) -> list[CollectorRun]:
    """Return the runs, except runs with a configuration error that has been corrected.

    The error counts as corrected if a later run of the same collector is running and has begun to read a stream.
    """
    started = {run.collector: run.pk for run in running if run.progress.get("stream")}

    def is_refused(run: CollectorRun) -> bool:
        return run.failure_category in CONFIGURATION and not run.scopes and not run.counts

    return [run for run in last_ended if not (is_refused(run) and started.get(run.collector, 0) > run.pk)]


def _of_runs(last_ended: Sequence[CollectorRun]) -> list[Finding]:
    """Report failed and interrupted runs as critical, and partial runs as warnings. Busy runs are not reported."""
    findings: list[Finding] = []
    for run in last_ended:
        reports = [report.get("outcome") for report in run.scopes]
        if run.outcome == Outcome.SUCCEEDED or (reports and set(reports) == {"busy"}):
            continue
        level = Level.WARNING if run.outcome == Outcome.PARTIAL else Level.CRITICAL
        category = f" ({run.failure_category})" if run.failure_category else ""
        incomplete = [report.get("scope") for report in run.scopes if report.get("outcome") in {"partial", "failed"}]
        why = run.error or ", ".join(str(scope) for scope in incomplete)
        started = f"started at {run.started_at:%Y-%m-%d %H:%M} UTC"
        text = f"{run.collector} run {run.outcome}{category}, {started}: {' '.join(why.split())}"
        findings.append(Finding(level=level, text=text.rstrip(": ")[:300]))
    return findings


def _is_index_behind(last_ended: Sequence[CollectorRun], now: datetime) -> bool:
    """Return whether the last run ended longer ago than ``INDEX_PATIENCE``."""
    ends = [run.finished_at for run in last_ended if run.finished_at]
    return bool(ends) and now - max(ends) > INDEX_PATIENCE


def _in_the_future(last: Sequence[CollectorRun], scopes: Sequence[Freshness], now: datetime) -> list[Finding]:
    """Report runs and scopes with a time in the future, because such a time means that a clock is or was wrong."""
    limit = now + CLOCK_TOLERANCE
    times = [(f"the last run of {run.collector} started", run.started_at) for run in last]
    times += [(f"{one.name} was last completed", one.last_completed_at) for one in scopes if one.last_completed_at]
    return [
        Finding(
            level=Level.WARNING,
            text=f"{what} in the future, at {when:%Y-%m-%d %H:%M} UTC: check the clocks of this machine and of the"
            " database server",
        )
        for what, when in times
        if when > limit
    ]


def _of_scopes(scopes: Sequence[Freshness]) -> list[Finding]:
    return [
        Finding(
            level=Level.CRITICAL if one.age > VERY_STALE * one.limit else Level.WARNING,
            text=f"{one.source_system} {one.in_words()}",
        )
        for one in scopes
        if one.stale
    ]


def _of_running(running: Sequence[CollectorRun], now: datetime) -> list[Finding]:
    return [
        Finding(level=Level.WARNING, text=f"{run.collector} has been running since {run.started_at:%Y-%m-%d %H:%M} UTC")
        for run in running
        if now - run.started_at > LONG
    ]
