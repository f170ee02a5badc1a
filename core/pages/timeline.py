"""One timeline across all sources."""

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core.models import Activity
from core.pages import keyset
from core.pages.labels import need, passive_types, source_names
from core.pages.sentences import entry, folded, words_of
from core.pages.timeline_filters import PER_PAGE, TimelineForm, activities


def timeline_page(request: HttpRequest) -> TemplateResponse:
    """The page: filters, and activities the newest first."""
    need(request, "core.view_activity")
    form = TimelineForm(request.GET)
    rows = activities(form.cleaned_data) if form.is_valid() else Activity.objects.none()
    found = keyset.page(rows, request.GET, PER_PAGE, newest_first=True)
    names, words = source_names(), words_of(found.rows)
    passive = passive_types()
    entries = [entry(activity, words, names, passive) for activity in found.rows]
    kept = request.GET.copy()
    for mark in ("before", "after"):
        kept.pop(mark, None)
    context = admin.site.each_context(request) | {
        "title": "Timeline",
        "form": form,
        "entries": entries,
        "groups": folded(entries),
        "page": found,
        "query": kept.urlencode(),
        "narrowed": any(kept.values()),
    }
    return TemplateResponse(request, "admin/timeline.html", context)
