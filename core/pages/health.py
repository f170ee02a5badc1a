"""How fresh and whole everything is: scopes, runs, quotas, gaps, skips."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from core.db.distinct import different_values
from core.models import ApiBudget, CollectorRun, Scope, SkippedItem
from core.pages.figures import index_state
from core.pages.labels import need
from core.trackers import Gap, installed_trackers

WORST = 50


def fresh_since() -> datetime:
    """What was completed before this is stale."""
    return timezone.now() - timedelta(hours=settings.FRESHNESS_HOURS)


def watched() -> Q:
    """Return a condition for the scopes that somebody expects to be fresh: those that runs without names collect."""
    expected, known = Q(), list[str]()
    for tracker in installed_trackers():
        ids = tracker.watched_scopes()
        known.append(tracker.source_system)
        if ids is None:
            expected |= Q(source_system=tracker.source_system)
        elif ids:
            expected |= Q(source_system=tracker.source_system, external_id__in=list(ids))
    return expected | ~Q(source_system__in=known)


def unreadable() -> Q:
    """Return a condition for the scopes that are known and may not be read."""
    found = Q(pk__in=[])
    for tracker in installed_trackers():
        if ids := tracker.unreadable_scopes():
            found |= Q(source_system=tracker.source_system, external_id__in=list(ids))
    return found


def scope_health() -> dict[str, int]:
    """How many scopes are fresh, stale, never completed, not readable, or held back by a limit."""
    limit, now, expected, closed = fresh_since(), timezone.now(), watched(), unreadable()
    return Scope.objects.aggregate(
        all=Count("pk"),
        fresh=Count("pk", filter=expected & Q(last_completed_at__gte=limit)),
        stale=Count("pk", filter=expected & Q(last_completed_at__lt=limit)),
        never=Count("pk", filter=expected & Q(last_completed_at=None)),
        unreadable=Count("pk", filter=closed),
        others=Count("pk", filter=~expected & ~closed),
        held=Count("pk", filter=Q(not_before__gt=now)),
    )


def freshness(scope: Scope, *, is_watched: bool = True, is_readable: bool = True) -> tuple[str, str]:
    """A scope's state in a word, and the outcome whose colour fits."""
    if not is_readable:
        return "not readable", "quiet"
    if not is_watched:
        return "not collected", "quiet"
    if scope.last_completed_at is None:
        return "never completed", "failed"
    return ("fresh", "succeeded") if scope.last_completed_at >= fresh_since() else ("stale", "partial")


def worst_scopes(most: int = WORST) -> QuerySet[Scope]:
    """Those that are not fresh or are held back, the stalest first."""
    unwell = Q(last_completed_at__lt=fresh_since()) | Q(last_completed_at=None) | Q(not_before__gt=timezone.now())
    return Scope.objects.filter(unwell, watched()).order_by(F("last_completed_at").asc(nulls_first=True), "name")[:most]


def last_runs() -> list[CollectorRun]:
    """Those under way, then the newest of each collector."""
    running = list(CollectorRun.objects.filter(outcome=CollectorRun.Outcome.RUNNING)[:WORST])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT id FROM core_collectorrun WHERE collector = c ORDER BY id DESC LIMIT 1)"
            " FROM unnest(%s::text[]) AS c",
            [different_values(CollectorRun, "collector")],
        )
        newest = [row[0] for row in cursor.fetchall()]
    shown = {run.pk for run in running}
    return [*running, *CollectorRun.objects.filter(pk__in=set(newest) - shown)]


def open_skips() -> list[dict[str, Any]]:
    """What could not be read, by collector and reason."""
    still = SkippedItem.objects.filter(cleared_at=None).order_by()
    return list(still.values("collector", "reason").annotate(count=Count("pk")).order_by("-count", "collector")[:WORST])


def budgets() -> list[ApiBudget]:
    """Return each account's quota or wait that the source has reported; accounts are masked where they are written."""
    return list(ApiBudget.objects.exclude(limit=None, not_before=None)[:WORST])


def gaps() -> list[tuple[str, Gap]]:
    """What each tracker may not read; of each the first ones, and one more where there are more."""
    return [(str(tracker.verbose_name), gap) for tracker in installed_trackers() for gap in tracker.gaps(WORST + 1)]


def health_page(request: HttpRequest) -> TemplateResponse:
    """The page."""
    need(request, "core.view_activity")
    missing = gaps()
    context = admin.site.each_context(request) | {
        "title": "Health",
        "scopes": scope_health(),
        "worst": list(worst_scopes()),
        "worst_most": WORST,
        "hours": settings.FRESHNESS_HOURS,
        "now": timezone.now(),
        "runs": last_runs(),
        "skips": open_skips(),
        "budgets": budgets(),
        "gaps": missing[:WORST],
        "more_gaps": len(missing) > WORST,
        "index": index_state(),
    }
    return TemplateResponse(request, "admin/health.html", context)
