"""The health page: freshness of scopes, runs, budgets, missing permissions, and skipped items."""

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

MAX_ROWS = 50
"""Maximum number of rows in each table of the page, so that the page stays readable."""


def fresh_since() -> datetime:
    """Return the time after which a scope must have been completed to count as fresh."""
    return timezone.now() - timedelta(hours=settings.FRESHNESS_HOURS)


def watched() -> Q:
    """Return a condition for the scopes that should be fresh.

    These are the scopes that a run without arguments collects, and all scopes of trackers that are not installed.
    """
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
    """Return a condition for the scopes that a tracker reports as not readable."""
    condition = Q(pk__in=[])
    for tracker in installed_trackers():
        if ids := tracker.unreadable_scopes():
            condition |= Q(source_system=tracker.source_system, external_id__in=list(ids))
    return condition


def scope_health() -> dict[str, int]:
    """Return the number of all scopes, and the number of scopes in each state, such as fresh, stale or not readable."""
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
    """Return the freshness of a scope in words, and the CSS class that colours the words."""
    if not is_readable:
        return "not readable", "quiet"
    if not is_watched:
        return "not collected", "quiet"
    if scope.last_completed_at is None:
        return "never completed", "failed"
    return ("fresh", "succeeded") if scope.last_completed_at >= fresh_since() else ("stale", "partial")


def worst_scopes(limit: int = MAX_ROWS) -> QuerySet[Scope]:
    """Return up to ``limit`` scopes that should be fresh but are not, or that must wait for a rate limit.

    Scopes that were never completed come first, followed by the scopes that were completed longest ago.
    """
    not_fresh = Q(last_completed_at__lt=fresh_since()) | Q(last_completed_at=None) | Q(not_before__gt=timezone.now())
    return Scope.objects.filter(not_fresh, watched()).order_by(F("last_completed_at").asc(nulls_first=True), "name")[
        :limit
    ]


def last_runs() -> list[CollectorRun]:
    """Return the runs in progress, followed by the latest run of each collector if that run has ended."""
    running = list(CollectorRun.objects.filter(outcome=CollectorRun.Outcome.RUNNING)[:MAX_ROWS])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT id FROM core_collectorrun WHERE collector = c ORDER BY id DESC LIMIT 1)"
            " FROM unnest(%s::text[]) AS c",
            [different_values(CollectorRun, "collector")],
        )
        newest = [row[0] for row in cursor.fetchall()]
    listed = {run.pk for run in running}
    return [*running, *CollectorRun.objects.filter(pk__in=set(newest) - listed)]


def open_skips() -> list[dict[str, Any]]:
    """Return the number of open skips for each collector and reason, largest number first."""
    open_items = SkippedItem.objects.filter(cleared_at=None).order_by()
    return list(
        open_items.values("collector", "reason").annotate(count=Count("pk")).order_by("-count", "collector")[:MAX_ROWS]
    )


def budgets() -> list[ApiBudget]:
    """Return the budgets for which the source has reported a limit or a time to wait.

    Tokens that serve as account names are stored in masked form.
    """
    return list(ApiBudget.objects.exclude(limit=None, not_before=None)[:MAX_ROWS])


def gaps() -> list[tuple[str, Gap]]:
    """Return the name of each tracker with each of its permission gaps.

    A tracker reports at most one gap more than the page shows, so that the page can say that there are more.
    """
    return [(str(tracker.verbose_name), gap) for tracker in installed_trackers() for gap in tracker.gaps(MAX_ROWS + 1)]


def health_page(request: HttpRequest) -> TemplateResponse:
    """Return the health page."""
    need(request, "core.view_activity")
    missing = gaps()
    context = admin.site.each_context(request) | {
        "title": "Health",
        "scopes": scope_health(),
        "worst": list(worst_scopes()),
        "worst_most": MAX_ROWS,
        "hours": settings.FRESHNESS_HOURS,
        "now": timezone.now(),
        "runs": last_runs(),
        "skips": open_skips(),
        "budgets": budgets(),
        "gaps": missing[:MAX_ROWS],
        "more_gaps": len(missing) > MAX_ROWS,
        "index": index_state(),
    }
    return TemplateResponse(request, "admin/health.html", context)
