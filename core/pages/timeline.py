"""One timeline across all sources."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core.models import Activity
from core.pages import keyset
from core.pages.asked import PER_PAGE, TimelineForm, activities
from core.pages.names import need, source_names, type_name
from core.pages.texts import visible


def timeline_page(request: HttpRequest) -> TemplateResponse:
    """The page: filters, and activities the newest first."""
    need(request, "core.view_activity")
    form = TimelineForm(request.GET)
    rows = activities(form.cleaned_data) if form.is_valid() else Activity.objects.none()
    found = keyset.page(rows, request.GET, PER_PAGE, newest_first=True)
    names = source_names()
    kept = request.GET.copy()
    for mark in ("before", "after"):
        kept.pop(mark, None)
    context = admin.site.each_context(request) | {
        "title": "Timeline",
        "form": form,
        "entries": [entry(activity, names) for activity in found.rows],
        "page": found,
        "query": kept.urlencode(),
        "narrowed": any(kept.values()),
    }
    return TemplateResponse(request, "admin/timeline.html", context)


def entry(activity: Activity, names: dict[str, str]) -> dict[str, Any]:
    """An activity with what its texts look like to people."""
    kind, summary = type_name(activity.activity_type), visible(activity.summary)
    return {
        "activity": activity,
        "source": names.get(activity.source_system, activity.source_system),
        "type": "" if summary.startswith(kind) else kind,
        "actor": visible(activity.actor_name) or "somebody",
        "summary": summary,
        "url": activity.source_url if activity.source_url.startswith(("https://", "http://")) else "",
    }
