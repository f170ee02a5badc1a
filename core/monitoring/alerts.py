"""Opens and closes alerts about runs and stale scopes, and writes the messages about these alerts.

Alerts and their messages are written in one transaction, from data in the database. If a process is killed, the next
process does the same work, and no message is written twice. A lock prevents two processes from opening the same alert.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from core.db.locks import ALERTS, lock_until_commit
from core.models import Alert, CollectorRun, Notice, Scope
from core.monitoring.freshness import freshness, limit_of
from core.runs import BY_HAND, mark_interrupted
from core.trackers import installed_trackers

FORGOTTEN = timedelta(days=7)
"""Minimum age of a problem's last report before its alert is closed without a message.

Such a problem probably no longer exists. For the same reason, runs that ended longer ago open no alerts.
"""
Key = tuple[str, str, str]
"""Kind, collector and scope of an alert. The scope is in lower case, because users write names in either case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A failed run, a scope that a run did not complete, or a stale scope."""

    scope: str
    category: str
    detail: str
    run: CollectorRun | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """The scopes of one tracker. All names are in lower case.

    ``watched`` scopes should be fresh, ``known`` scopes are in the database, and ``configured`` scopes are in the
    settings. ``watched`` and ``known`` also contain the part of a name before its last slash, such as ``guild`` for
    ``guild/channel``.
    """

    watched: Collection[str]
    known: Collection[str]
    configured: Collection[str]
    last_run: int
    reported: Collection[str]
    """Scopes in the report of ``last_run``, the latest run with a complete report."""

    def has_dropped(self, scope: str, run: int | None) -> bool:
        """Return whether the tracker no longer collects a scope. ``run`` is the id of the run that last reported it.

        A known scope is no longer collected when it is disabled. An unknown scope, such as a misspelt name in the
        settings, is no longer collected when a later run does not report it.
        """
        if scope in self.watched or scope in self.configured:
            return False
        return scope in self.known or (scope not in self.reported and self.last_run > (run or 0))


def coverage_of(systems: Collection[str], watched: Collection[tuple[str, str, str]]) -> Mapping[str, Coverage]:
    """Return the coverage of the trackers in ``systems``, by source system. Unknown source systems are ignored.

    ``watched`` contains the keys of the scopes that should be fresh.
    """
    coverage: dict[str, Coverage] = {}
    for tracker in installed_trackers():
        system = tracker.source_system
        if system not in systems:
            continue
        names = Scope.objects.filter(source_system=system).values_list("name", flat=True)
        ended = CollectorRun.objects.filter(collector=system).exclude(scopes=[])
        last = ended.exclude(outcome__in=["running", "busy", "interrupted"]).order_by("-pk").first()
        coverage[system] = Coverage(
            watched=_with_leading_parts(key[2] for key in watched if key[1] == system),
            known=_with_leading_parts(name.lower() for name in names.iterator(chunk_size=5000)),
            configured={name.lower() for name in tracker.configured_names()},
            last_run=last.pk if last else 0,
            reported={str(report.get("scope", "")).lower() for report in last.scopes} if last else set[str](),
        )
    return coverage


def _with_leading_parts(names: Iterable[str]) -> set[str]:
    parts: set[str] = set()
    for name in names:
        parts.add(name)
        parts.add(name.rpartition("/")[0])
    return parts - {""}


AFTER_RUN_SECONDS = 10.0
"""Maximum number of seconds for posting messages at the end of a run. A slow Slack must not delay the next run."""


def after_run(**kwargs: Any) -> None:
    """Update alerts and post messages after a run.

    This is a receiver of ``core.runs.run_finished``. The sender of the signal logs errors.
    """
    del kwargs
    refresh()
    if slack_is_set_up():
        # imported here, so that other commands do not load Slack's library
        from core.monitoring.delivery import deliver
        from core.operations.slack_ops import open_slack

        slack = open_slack(timeout=AFTER_RUN_SECONDS / 2, patience=AFTER_RUN_SECONDS / 2)
        deliver(slack, seconds=AFTER_RUN_SECONDS)


def refresh(now: datetime | None = None) -> None:
    """Open and close alerts, and write the messages about these alerts."""
    moment = now or timezone.now()
    mark_interrupted()
    with transaction.atomic():
        lock_until_commit(ALERTS)
        open_now = {_key(alert): alert for alert in Alert.objects.filter(resolved_at=None).select_related("run")}
        problems, cleared = _of_runs(moment)
        stale, watched = _of_scopes(moment)
        _open(problems | stale, open_now, moment)
        recovered = {key: run for key, run in cleared.items() if key in open_now}
        recovered |= {key: None for key in open_now if key[0] == "stale" and key not in stale and key in watched}
        _close(recovered, open_now, moment)
        remaining = {key: alert for key, alert in open_now.items() if key not in recovered}
        coverage = coverage_of({key[1] for key in remaining}, watched) if remaining else {}
        ended = [a for key, a in remaining.items() if _is_over(key, a, watched, coverage.get(key[1]), moment)]
        Alert.objects.filter(pk__in=[alert.pk for alert in ended]).update(resolved_at=moment)


def _key(alert: Alert) -> Key:
    return alert.kind, alert.collector, alert.scope.lower()


def _of_runs(now: datetime) -> tuple[dict[Key, Problem], dict[Key, CollectorRun]]:
    """Return the problems in finished runs that were not checked before, and the run that completed each other scope.

    Marks these runs as checked. If several runs reported the same scope, only the latest of these runs counts.
    """
    new_runs = CollectorRun.objects.filter(alerted=False).exclude(outcome=CollectorRun.Outcome.RUNNING)
    runs = list(new_runs.order_by("finished_at", "pk"))
    problems: dict[Key, Problem] = {}
    cleared: dict[Key, CollectorRun] = {}
    for run in runs:
        if run.finished_at and now - run.finished_at > FORGOTTEN:
            continue
        for scope, problem in _of_run(run).items():
            key = ("run", run.collector, scope.lower())
            problems.pop(key, None)
            cleared.pop(key, None)
            if problem:
                problems[key] = problem
            else:
                cleared[key] = run
    CollectorRun.objects.filter(pk__in=[run.pk for run in runs]).update(alerted=True)
    return problems, cleared


def _of_run(run: CollectorRun) -> dict[str, Problem | None]:
    """Return the problem of each scope in a run's report, or ``None`` for a complete scope.

    The scope ``""`` is the whole run.
    """
    if run.failure_category == BY_HAND:
        return {}
    if run.outcome == CollectorRun.Outcome.INTERRUPTED:
        detail = run.error or "the process ended without a report: it was killed, out of memory, or the machine stopped"
        return {"": Problem(scope="", category="interrupted", detail=detail, run=run)}
    if run.outcome == CollectorRun.Outcome.BUSY:  # another run has the lock and reports its own outcome
        return {}
    if not run.scopes:
        if run.outcome == CollectorRun.Outcome.SUCCEEDED:
            return {"": None}
        return {"": Problem(scope="", category=run.failure_category or "unknown", detail=run.error, run=run)}
    problems: dict[str, Problem | None] = {}
    for report in run.scopes:
        name, outcome = str(report.get("scope", "")), report.get("outcome")
        if outcome == "busy":  # the run that has the lock will report the scope
            continue
        category, reason = str(report.get("category") or "unknown"), str(report.get("reason") or f"{outcome}")
        is_complete = outcome == "succeeded"
        problems[name] = None if is_complete else Problem(scope=name, category=category, detail=reason, run=run)
    return {**problems, "": None} if problems else {}


def _of_scopes(now: datetime) -> tuple[dict[Key, Problem], set[Key]]:
    """Return the problems of stale scopes, and the keys of all watched scopes."""
    scopes = {("stale", one.source_system, one.name.lower()): one for one in freshness(now)}
    stale = {
        key: Problem(scope=one.name, category="stale", detail=one.in_words())
        for key, one in scopes.items()
        if one.stale
    }
    return stale, set(scopes)


def _open(problems: Mapping[Key, Problem], open_now: Mapping[Key, Alert], now: datetime) -> None:
    """Open alerts for new problems with their messages, and update alerts about problems that a run reported again."""
    new = [
        Alert(
            kind=key[0], collector=key[1], scope=problem.scope[:300], category=problem.category[:32],
            detail=problem.detail, run=problem.run, opened_at=now,
        )
        for key, problem in problems.items()
        if key not in open_now
    ]  # fmt: skip
    Alert.objects.bulk_create(new)
    _write_opened(new, now)
    repeated: list[Alert] = []
    for key, problem in problems.items():
        if key in open_now and key[0] == "run":
            alert = open_now[key]
            alert.run, alert.category, alert.detail = problem.run, problem.category[:32], problem.detail
            repeated.append(alert)
    Alert.objects.bulk_update(repeated, ["run", "category", "detail"])


def _close(recovered: Mapping[Key, CollectorRun | None], open_now: Mapping[Key, Alert], now: datetime) -> None:
    ended = [open_now[key] for key in recovered]
    Alert.objects.filter(pk__in=[alert.pk for alert in ended]).update(resolved_at=now)
    _write_resolved(ended, {open_now[key].pk: run for key, run in recovered.items()}, now)


def _is_over(key: Key, alert: Alert, watched: Collection[Key], coverage: Coverage | None, now: datetime) -> bool:
    """Return whether an alert must be closed without a message.

    This is the case if the scope is no longer collected, or if no run has reported the problem for a long time.
    """
    if key[0] == "stale":
        return key not in watched
    if key[2] and coverage is not None and coverage.has_dropped(key[2], alert.run_id):  # pyright: ignore[reportAttributeAccessIssue]
        return True
    seen = alert.run.finished_at if alert.run and alert.run.finished_at else alert.opened_at
    return now - seen > max(FORGOTTEN, 3 * limit_of(alert.collector))


def open_alerts() -> list[Alert]:
    """Return the open alerts, oldest first."""
    return list(Alert.objects.filter(Q(resolved_at=None)).order_by("opened_at", "pk"))


MOST_LINES = 40
"""Maximum number of lines of a message, so that it stays readable. A last line gives the number of further lines."""
ADVICE = {
    "auth": "Replace the token that this message names (in .env), then run the collector again.",
    "permission": "Give the token the missing permission or disable the scope in the admin, then run the collector.",
    "validation": "Correct the setting or argument that this message names, then run the command again.",
    "rate_limit": "The next run continues where this one stopped. If it happens often, add a token or run more often.",
    "network": "The source could not be reached. The next run continues. If this happens again, see its status page.",
    "timeout": "The source or the database was too slow. The next run continues where this run stopped.",
    "command": "If this message does not explain the cause, run the command by hand with --traceback.",
    "interrupted": "Find out what ended the process (memory, a restart). No data is lost, and the next run continues.",
    "stale": "Check that runs start (collector_status, systemctl list-timers), and how the scope's last run ended.",
    "unknown": "Open the run in the admin. If it does not show the cause, run the command by hand with --traceback.",
}
"""The next step for each failure category. It is shown below the lines of a message."""


def slack_is_set_up() -> bool:
    """Return whether Slack is set up. Without Slack, no messages are written, because they would be outdated later."""
    return bool(settings.SLACK_BOT_TOKEN and settings.SLACK_CHANNEL)


def _write_opened(alerts: Sequence[Alert], now: datetime) -> None:
    """Write the messages about new alerts. Alerts with the same kind, collector and category share one message."""
    for (kind, collector, category), group in _grouped(alerts):
        first = group[0]
        number = f"{len(group)} scopes" if len(group) > 1 else first.scope or "the whole run"
        what = f"not collected in time: {number}" if kind == "stale" else f"{_ended(first)}: {number} ({category})"
        _write(
            now, title=f"{collector}: {what}", lines=[_line(alert) for alert in group],
            advice=ADVICE.get(category, ADVICE["unknown"]),
            path=_page(first.run) if kind == "run" else reverse("admin:core_scope_changelist"),
        )  # fmt: skip


def _write_resolved(alerts: Sequence[Alert], runs: Mapping[int, CollectorRun | None], now: datetime) -> None:
    """Write the messages about resolved alerts."""
    for (kind, collector, _), group in _grouped(alerts, by_category=False):
        what = "fresh again" if kind == "stale" else "recovered"
        number = f"{len(group)} scopes" if len(group) > 1 else group[0].scope or "the whole run"
        lines = [f"{alert.scope or collector}: alert opened at {alert.opened_at:%Y-%m-%d %H:%M} UTC" for alert in group]
        _write(now, title=f"{collector}: {what}: {number}", lines=lines, advice="", path=_page(runs.get(group[0].pk)))


def _ended(alert: Alert) -> str:
    if alert.category == "interrupted":
        return "interrupted"
    return "partly collected" if alert.run and alert.run.outcome == CollectorRun.Outcome.PARTIAL else "failed"


def _line(alert: Alert) -> str:
    if alert.kind == Alert.Kind.STALE or not alert.scope:
        return alert.detail or "no reason was reported"
    return f"{alert.scope}: {alert.detail}"


def _page(run: CollectorRun | None) -> str:
    return reverse("admin:core_collectorrun_change", args=[run.pk]) if run else reverse("admin:core_alert_changelist")


def _grouped(
    alerts: Iterable[Alert], *, by_category: bool = True
) -> Iterator[tuple[tuple[str, str, str], list[Alert]]]:
    def of(alert: Alert) -> tuple[str, str, str]:
        return alert.kind, alert.collector, alert.category if by_category else ""

    for key, group in groupby(sorted(alerts, key=of), key=of):
        yield key, list(group)


def _write(now: datetime, *, title: str, lines: list[str], advice: str, path: str) -> None:
    if not slack_is_set_up():
        return
    visible_lines = lines[:MOST_LINES] + ([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
    Notice.objects.create(title=title[:200], lines=visible_lines, advice=advice, path=path, created_at=now)
