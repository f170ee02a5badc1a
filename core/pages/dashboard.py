"""The dashboard: activities, active people, and the health of the collectors and the index."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from core.ingest.timeline_move import is_moving
from core.models import Activity, Scope, SkippedItem
from core.pages import figures, health
from core.pages.labels import may, source_names
from core.pages.parameters import DayField
from core.trackers import installed_trackers

WEEKS = 26
"""Number of weeks of the default period: half a year. Charts of this period have weekly columns."""
MAX_WEEKS = 520
"""Maximum number of weeks of a period: ten years. A chart cannot show more than about 120 monthly columns."""


class PeriodForm(forms.Form):
    """The filters of the dashboard: first and last day, source, and whether the ranking of people includes bots."""

    since = DayField("From")
    until = DayField("To")
    source = forms.ChoiceField(required=False, label="Source")
    bots = forms.ChoiceField(
        required=False, label="Bots", choices=[("", "In the ranking"), ("without", "Left out of the ranking")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "All sources"), *source_names().items()]  # pyright: ignore[reportAttributeAccessIssue]


def _period(form: PeriodForm, today: date, known: tuple[date, date]) -> figures.Period:
    """Return the requested period. ``known`` contains the first and the last week with activities.

    Without a valid last day, the period ends today, or in the last week with activities if the ``WEEKS`` weeks before
    today have none. Without a valid first day, it has ``WEEKS`` weeks. It never has more than ``MAX_WEEKS`` weeks.
    """
    form.is_valid()
    values: dict[str, Any] = getattr(form, "cleaned_data", {})
    latest = today if known[1] > today - timedelta(weeks=WEEKS) else known[1]
    until = values.get("until") or latest
    since = values.get("since") or until - timedelta(weeks=WEEKS - 1)
    since, until = min(since, until), max(since, until)
    earliest = max(since, until - timedelta(weeks=MAX_WEEKS))
    without_bots = values.get("bots") == "without"
    return figures.Period.of(earliest, until, values.get("source") or "", without_bots=without_bots)


def _shortcuts(today: date, period: figures.Period, known: tuple[date, date]) -> list[dict[str, str]]:
    """Return the label and the query string of the link to each common period."""
    start = figures.monday(today)
    since = {label: start - timedelta(weeks=n - 1) for label, n in (("12 weeks", 12), ("26 weeks", 26), ("1 year", 52))}
    since["Everything"] = known[0]
    same = {"source": period.source, "bots": "without" if period.without_bots else ""}
    return [
        {"label": label, "query": urlencode({"since": day, "until": today, **same})} for label, day in since.items()
    ]


def _with_shares(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows. Each row also contains the largest count of all rows (``most``), to which its bar is scaled."""
    largest = max((row["count"] for row in rows), default=1)
    return [row | {"most": largest} for row in rows]


def dashboard_page(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
    """Return the dashboard, or a page with the first steps if there are no activities.

    Users without permission to see activities get a page without figures.
    """
    context = admin.site.each_context(request) | {"title": "Dashboard", **(extra_context or {})}
    context["app_list"] = admin.site.get_app_list(request)
    if not may(request, "core.view_activity"):
        return TemplateResponse(request, "admin/dashboard_closed.html", context)
    if not Activity.objects.exists() and not is_moving():
        context |= {"commands": [tracker.collect_command for tracker in installed_trackers()]}
        context |= {"scopes": Scope.objects.count(), "runs": health.last_runs()}
        return TemplateResponse(request, "admin/first_steps.html", context)
    today = timezone.now().date()
    form = PeriodForm(request.GET or None)
    known = figures.weeks_of_activity() or (today, today)
    period = _period(form, today, known)
    counted = figures.activities(period)
    context |= {
        "form": form if form.is_bound else PeriodForm(initial={"since": period.first, "until": min(period.end, today)}),
        "period": period,
        "shortcuts": _shortcuts(today, period, known),
        "by_source": counted.by_source,
        "by_kind": counted.by_kind,
        "busiest_scopes": _with_shares(figures.busiest_scopes(counted.by_scope)),
        "busiest_people": _with_shares(figures.busiest_people(period)),
        "names": source_names(),
        "scopes": health.scope_health(),
        "worst": list(health.worst_scopes(5)),
        "runs": health.last_runs(),
        "open_skips": SkippedItem.objects.filter(cleared_at=None).count(),
        "gaps": len(health.gaps()),
        "most_gaps": health.MAX_ROWS,
        "index": figures.index_state(),
        "storage": figures.storage(),
    }
    return TemplateResponse(request, "admin/dashboard.html", context)
