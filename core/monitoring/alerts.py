"""Opens and closes alerts out of the ledger of runs and the age of scopes.

Everything is derived from the database, in one transaction with the messages that tell of it: whoever comes next
finishes what a killed process left, and tells nothing twice. The lock keeps two processes from finding the same.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.db.locks import ALERTS, lock_until_commit
from core.models import Alert, CollectorRun, Scope
from core.monitoring.freshness import freshness, limit_of
from core.monitoring.notices import tell_opened, tell_resolved
from core.runs import BY_HAND, mark_interrupted
from core.trackers import installed_trackers

FORGOTTEN = timedelta(days=7)
"""A run's trouble that no run has met again for so long is closed without a word: nobody collects that any more."""
Key = tuple[str, str, str]
"""Kind, collector, scope in lower case: people write names in any case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """One scope that a run could not complete, or that is not fresh."""

    scope: str
    category: str
    detail: str
    run: CollectorRun | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What one tracker collects; all names are in lower case.

    ``watched`` and ``known`` are names of scopes with every leading part: ``guild/channel`` is also under ``guild``.
    """

    watched: Collection[str]
    known: Collection[str]
    configured: Collection[str]
    last_run: int
    reported: Collection[str]
    """Scopes that the newest complete report of a run names; ``last_run`` is that run."""

    def has_dropped(self, scope: str, run: int | None) -> bool:
        """Return whether the tracker no longer collects a scope that ``run`` reported last.

        A scope that is known is dropped when it is disabled. One that was never stored, such as a misspelt name in the
        settings, is dropped when a later run does not name it.
        """
        if scope in self.watched or scope in self.configured:
            return False
        return scope in self.known or (scope not in self.reported and self.last_run > (run or 0))


def coverage_of(systems: Collection[str], watched: Collection[tuple[str, str, str]]) -> Mapping[str, Coverage]:
    """Return the coverage of these trackers by source system; unknown source systems are ignored.

    ``watched`` holds the keys of scopes that should be fresh.
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


def refresh(now: datetime | None = None) -> None:
    """Bring alerts and waiting messages up to date."""
    moment = now or timezone.now()
    mark_interrupted()
    with transaction.atomic():
        lock_until_commit(ALERTS)
        alive = {_key(alert): alert for alert in Alert.objects.filter(resolved_at=None).select_related("run")}
        troubles, cleared = _of_runs(moment)
        stale, watched = _of_scopes(moment)
        _open(troubles | stale, alive, moment)
        recovered = {key: run for key, run in cleared.items() if key in alive}
        recovered |= {key: None for key in alive if key[0] == "stale" and key not in stale and key in watched}
        _close(recovered, alive, moment)
        rest = {key: alert for key, alert in alive.items() if key not in recovered}
        coverage = coverage_of({key[1] for key in rest}, watched) if rest else {}
        ended = [a for key, a in rest.items() if _is_over(key, a, watched, coverage.get(key[1]), moment)]
        Alert.objects.filter(pk__in=[alert.pk for alert in ended]).update(resolved_at=moment)


def _key(alert: Alert) -> Key:
    return alert.kind, alert.collector, alert.scope.lower()


def _of_runs(now: datetime) -> tuple[dict[Key, Trouble], dict[Key, CollectorRun]]:
    """What the runs since the last look left in trouble, and what they collected; the last word on a scope counts."""
    fresh = CollectorRun.objects.filter(alerted=False).exclude(outcome=CollectorRun.Outcome.RUNNING)
    runs = list(fresh.order_by("finished_at", "pk"))
    troubles: dict[Key, Trouble] = {}
    cleared: dict[Key, CollectorRun] = {}
    for run in runs:
        if run.finished_at and now - run.finished_at > FORGOTTEN:
            continue
        for scope, trouble in _of_run(run).items():
            key = ("run", run.collector, scope.lower())
            troubles.pop(key, None)
            cleared.pop(key, None)
            if trouble:
                troubles[key] = trouble
            else:
                cleared[key] = run
    CollectorRun.objects.filter(pk__in=[run.pk for run in runs]).update(alerted=True)
    return troubles, cleared


def _of_run(run: CollectorRun) -> dict[str, Trouble | None]:
    """By scope: its trouble, or None where all went well. The scope ``""`` is the run as a whole."""
    if run.failure_category == BY_HAND:
        return {}
    if run.outcome == CollectorRun.Outcome.INTERRUPTED:
        gone = run.error or "its process ended without a word: killed, out of memory, or the machine stopped"
        return {"": Trouble(scope="", category="interrupted", detail=gone, run=run)}
    if run.outcome == CollectorRun.Outcome.BUSY:  # another run holds the lock and reports its own end
        return {}
    if not run.scopes:
        if run.outcome == CollectorRun.Outcome.SUCCEEDED:
            return {"": None}
        return {"": Trouble(scope="", category=run.failure_category or "unknown", detail=run.error, run=run)}
    found: dict[str, Trouble | None] = {}
    for report in run.scopes:
        name, outcome = str(report.get("scope", "")), report.get("outcome")
        if outcome == "busy":  # another run is at it, and will tell
            continue
        category, reason = str(report.get("category") or "unknown"), str(report.get("reason") or f"{outcome}")
        fine = outcome == "succeeded"
        found[name] = None if fine else Trouble(scope=name, category=category, detail=reason, run=run)
    return {**found, "": None} if found else {}


def _of_scopes(now: datetime) -> tuple[dict[Key, Trouble], set[Key]]:
    """What is not fresh, and what is watched at all."""
    scopes = {("stale", one.source_system, one.name.lower()): one for one in freshness(now)}
    stale = {
        key: Trouble(scope=one.name, category="stale", detail=one.in_words())
        for key, one in scopes.items()
        if one.stale
    }
    return stale, set(scopes)


def _open(troubles: Mapping[Key, Trouble], alive: Mapping[Key, Alert], now: datetime) -> None:
    """Open what is new, and note for what is open that it was met again."""
    new = [
        Alert(
            kind=key[0], collector=key[1], scope=trouble.scope[:300], category=trouble.category[:32],
            detail=trouble.detail, run=trouble.run, opened_at=now,
        )
        for key, trouble in troubles.items()
        if key not in alive
    ]  # fmt: skip
    Alert.objects.bulk_create(new)
    tell_opened(new, now)
    again: list[Alert] = []
    for key, trouble in troubles.items():
        if key in alive and key[0] == "run":
            alert = alive[key]
            alert.run, alert.category, alert.detail = trouble.run, trouble.category[:32], trouble.detail
            again.append(alert)
    Alert.objects.bulk_update(again, ["run", "category", "detail"])


def _close(recovered: Mapping[Key, CollectorRun | None], alive: Mapping[Key, Alert], now: datetime) -> None:
    ended = [alive[key] for key in recovered]
    Alert.objects.filter(pk__in=[alert.pk for alert in ended]).update(resolved_at=now)
    tell_resolved(ended, {alive[key].pk: run for key, run in recovered.items()}, now)


def _is_over(key: Key, alert: Alert, watched: Collection[Key], coverage: Coverage | None, now: datetime) -> bool:
    """Return whether an alert is about something that is no longer watched; it is closed without a message."""
    if key[0] == "stale":
        return key not in watched
    if key[2] and coverage is not None and coverage.has_dropped(key[2], alert.run_id):  # pyright: ignore[reportAttributeAccessIssue]
        return True
    seen = alert.run.finished_at if alert.run and alert.run.finished_at else alert.opened_at
    return now - seen > max(FORGOTTEN, 3 * limit_of(alert.collector))


def open_alerts() -> list[Alert]:
    """The troubles of now, the oldest first."""
    return list(Alert.objects.filter(Q(resolved_at=None)).order_by("opened_at", "pk"))
