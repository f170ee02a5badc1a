"""The timeline: a page with the activities of all sources, and filters."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core.ingest.timeline_move import is_moving
from core.models import Activity, Scope
from core.pages import keyset
from core.pages.labels import need, passive_types, source_names, type_name
from core.pages.parameters import DayField, free_text, midnight, midnight_after
from core.pages.sentences import entry, folded, words_of
from core.timeline import all_activities, by_person, of_account, of_source, of_type, stored_types, with_words

PER_PAGE = 50
MAX_SCOPES = 100
"""Maximum number of scopes that a name or a part of a name selects. More scopes would make the query slower."""
LONGEST = 200
"""Maximum number of characters of a filter. Names of people and scopes are shorter."""


class TimelineForm(forms.Form):
    """The filters of the timeline.

    An error is shown next to the field with the invalid value, and then the page lists no activities.
    """

    source = forms.ChoiceField(required=False)
    type = forms.ChoiceField(required=False)
    scope = forms.CharField(required=False, max_length=LONGEST, label="Repository or channel")
    person = forms.CharField(required=False, max_length=LONGEST)
    words = forms.CharField(required=False, max_length=LONGEST, label="Words")
    since = DayField("From")
    until = DayField("To")
    state = forms.ChoiceField(
        required=False, choices=[("", "All"), ("edited", "Edited"), ("deleted", "Deleted"), ("there", "Not deleted")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(kind, f"{kind.partition('.')[0]}: {type_name(kind)}") for kind in stored_types()]
        self.fields["source"].choices = [("", "All"), *source_names().items()]  # pyright: ignore[reportAttributeAccessIssue]
        self.fields["type"].choices = [("", "All"), *types]  # pyright: ignore[reportAttributeAccessIssue]

    def clean(self) -> dict[str, Any]:
        """Return the values of the fields. Characters that PostgreSQL cannot store are removed."""
        return {
            name: free_text(value) if isinstance(value, str) else value for name, value in self.cleaned_data.items()
        }


def activities(filters: dict[str, Any]) -> list[QuerySet[Activity]]:
    """Return queries that together select the activities that match the filters."""
    rows = all_activities()
    if filters.get("source"):
        rows = rows.filter(of_source(filters["source"]))
    if filters.get("type"):
        rows = rows.filter(of_type(filters["type"]))
    if filters.get("since"):
        rows = rows.filter(occurred_at__gte=midnight(filters["since"]))
    if filters.get("until"):
        rows = rows.filter(occurred_at__lt=midnight_after(filters["until"]))
    if filters.get("scope"):
        rows = rows.filter(scope_id__in=scope_ids(filters["scope"]))
    if filters.get("person"):
        rows = rows.filter(_person(filters["person"]))
    states = {"edited": Q(edited_at__isnull=False), "deleted": Q(deleted_at__isnull=False), "there": Q(deleted_at=None)}
    if filters.get("state") in states:
        rows = rows.filter(states[filters["state"]])
    return with_words(rows, filters["words"]) if filters.get("words") else [rows]


def scope_ids(name: str) -> list[int]:
    """Return the primary keys of the scopes with this name, ignoring case, or with exactly this external id.

    If there are no such scopes, return the keys of scopes with names that contain the text. At most ``MAX_SCOPES`` keys
    are returned.
    """
    exact = Scope.objects.filter(Q(name__iexact=name.strip()) | Q(external_id=name.strip())).values_list(
        "pk", flat=True
    )
    if ids := list(exact.order_by()[:MAX_SCOPES]):
        return ids
    return list(
        Scope.objects.filter(name__icontains=name.strip()).order_by("pk").values_list("pk", flat=True)[:MAX_SCOPES]
    )


def _person(name: str) -> Q:
    """Return a condition for a person, who is given as ``source:account id`` or as a name."""
    source, _, account = name.strip().partition(":")
    if account and source in source_names():
        return of_account(source, account)
    return by_person(name.strip())


def timeline_page(request: HttpRequest) -> TemplateResponse:
    """Return the timeline with its filters and up to ``PER_PAGE`` activities, newest first."""
    need(request, "core.view_activity")
    form = TimelineForm(request.GET)
    rows = activities(form.cleaned_data) if form.is_valid() else []
    page = keyset.page(rows, request.GET, PER_PAGE, newest_first=True)
    names, words = source_names(), words_of(page.rows)
    passive = passive_types()
    entries = [entry(activity, words, names, passive) for activity in page.rows]
    filters = request.GET.copy()
    for cursor in ("before", "after"):
        filters.pop(cursor, None)
    context = admin.site.each_context(request) | {
        "title": "Timeline",
        "form": form,
        "entries": entries,
        "groups": folded(entries),
        "page": page,
        "query": filters.urlencode(),
        "narrowed": any(filters.values()),
        "moving": is_moving(),
    }
    return TemplateResponse(request, "admin/timeline.html", context)
