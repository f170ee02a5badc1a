"""The read-only admin of the timeline."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin.base import MirrorAdmin, link
from core.admin.links import RowLink, RowLinks
from core.admin.lists import ListedTexts, SourceFilter, TypesFilter, search_timeline
from core.models import Activity
from core.pages.labels import type_name
from core.pages.sentences import entry, words_of
from core.timeline import add_texts
from core.trackers import activity_address


def _activity_text(entry: Mapping[str, Any]) -> str:
    """Return the text of an activity for the list.

    This is ``title: text`` for the first post of a thread, ``text (title)`` for any other post, and a sentence for an
    activity without text.
    """
    activity, subject, excerpt = entry["activity"], entry["subject"], entry["excerpt"]
    if excerpt:
        return f"{subject}: {excerpt}" if activity.external_id == activity.thread else f"{excerpt} ({subject})"
    return " ".join(filter(None, (entry["did"], subject, entry["after"])))


@admin.register(Activity)
class ActivityAdmin(RowLinks, ListedTexts, MirrorAdmin):
    """The admin of activities."""

    list_display = ("occurred_at", "kind", "person", "text_start", "scope", "deleted_at", "source")
    list_filter = (SourceFilter, TypesFilter, "scope", "occurred_at")
    fields = (
        "source_system", "external_id", "scope", "thread", "activity_type", "occurred_at", "edited_at", "deleted_at",
        "actor_external_id", "person", "source_url", "summary",
    )  # fmt: skip
    readonly_fields = ("source_system", "external_id", "thread", "activity_type", "actor_external_id", "person")
    list_select_related = ("scope",)
    search_fields = ("external_id", "actor_name", "summary")
    search_help_text = (
        "Words of the summary, or a complete external id. "
        "A number finds whole words, and the last part of external ids."
    )
    date_hierarchy = None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the matching activities, and False because they contain no duplicates.

        The query uses the indexes of the timeline.
        """
        return search_timeline(queryset, search_term), False

    def listed_texts(self, rows: Sequence[Activity]) -> Mapping[Any, str]:
        """Return each activity's text and thread title by primary key. Events are sentences, as on the timeline."""
        words = words_of(add_texts(rows))
        return {row.pk: _activity_text(entry(row, words)) for row in rows}

    def row_links(self, row: Activity) -> list[RowLink]:
        """Return the links to the activity's thread, if it has one, and to the source."""
        thread = activity_address(row.source_system, row.external_id)
        inside = [RowLink(text="View in its thread", address=thread)] if row.thread else []
        return [*inside, RowLink(text="View at the source", address=row.source_url, out=True)]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the activity with the texts that the tracker computes, or ``None``."""
        row = super().get_object(request, object_id, from_field)
        return add_texts([row])[0] if row else None

    @admin.display(description="actor name")
    def person(self, activity: Activity) -> str:
        """Return the name of the account."""
        return activity.actor_name

    @admin.display(description="kind", ordering="type")
    def kind(self, activity: Activity) -> str:
        """Return the display name of the activity type."""
        return type_name(activity.activity_type)

    @admin.display(description="source")
    def source(self, activity: Activity) -> Any:
        """Return a link to the activity at its source."""
        return link(activity.source_url)
