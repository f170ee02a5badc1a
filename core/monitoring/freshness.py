"""The time since each scope was last collected completely, and the limit for this time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min

from core.models import CollectorRun, Scope
from core.trackers import installed_trackers


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """The freshness of one watched scope. ``age`` is the time since the scope was last completed.

    If the scope was never completed, ``age`` is the time since the tracker's first run.
    """

    source_system: str
    name: str
    last_completed_at: datetime | None
    not_before: datetime | None
    age: timedelta
    limit: timedelta

    @property
    def stale(self) -> bool:
        """Return whether ``age`` exceeds ``limit``."""
        return self.age > self.limit

    def in_words(self) -> str:
        """Return the scope's name, the time of its last completion and its limit in one line."""
        hours = self.limit.total_seconds() / 3600
        when = (
            f"last completed {self.last_completed_at:%Y-%m-%d %H:%M} UTC"
            if self.last_completed_at
            else "never completed"
        )
        held = f"; waits until {self.not_before:%Y-%m-%d %H:%M} UTC because of a rate limit" if self.not_before else ""
        return f"{self.name}: {when} (limit {hours:g} h){held}"


def limit_of(source_system: str) -> timedelta:
    """Return the maximum age of a tracker's scopes, from FRESHNESS_HOURS."""
    hours = settings.FRESHNESS_LIMITS
    return timedelta(hours=hours.get(source_system, hours[""]))


def freshness(now: datetime) -> list[Freshness]:
    """Return the freshness of every watched scope, most overdue first.

    This needs two statements, and the statements of ``watched_scopes`` for each tracker with scopes.
    """
    trackers = {tracker.source_system: tracker for tracker in installed_trackers()}
    watched: dict[str, Collection[str] | None] = {}
    first_runs = dict(CollectorRun.objects.values_list("collector").annotate(Min("started_at")).order_by())
    result: list[Freshness] = []
    for scope in Scope.objects.filter(source_system__in=trackers).iterator(chunk_size=5000):
        if scope.source_system not in watched:
            watched[scope.source_system] = trackers[scope.source_system].watched_scopes()
        ids = watched[scope.source_system]
        if ids is not None and scope.external_id not in ids:
            continue
        since = scope.last_completed_at or first_runs.get(scope.source_system) or now
        result.append(
            Freshness(
                source_system=scope.source_system, name=scope.name, last_completed_at=scope.last_completed_at,
                not_before=scope.not_before if scope.not_before and scope.not_before > now else None,
                age=now - since, limit=limit_of(scope.source_system),
            )
        )  # fmt: skip
    return sorted(result, key=lambda one: (one.limit - one.age, one.name))
