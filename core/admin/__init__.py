"""The read-only admin of the shared tables. Its actions request retries of skipped items and clear API budgets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django.contrib import admin
from django.db.models import BooleanField, Case, Count, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst

from core.admin.links import RowLink, RowLinks
from core.admin.lists import (
    ClearedFilter,
    EstimatingPaginator,
    ListedTexts,
    ScopeSourceFilter,
    SourceFilter,
    TypesFilter,
    cheap_filter,
    search_chunks,
    search_hashes,
    search_rows,
    search_timeline,
    title,
)
from core.admin.long_texts import LongTexts
from core.db.budgets import clear
from core.ingest.skips import request_retry
from core.models import (
    Activity,
    Alert,
    ApiBudget,
    Checkpoint,
    Chunk,
    CollectorRun,
    Document,
    Embedding,
    IndexEntry,
    Namespace,
    Notice,
    Scope,
    SkippedItem,
)
from core.operations.markdown import short_hashes, without_markup
from core.operations.output import UNCOUNTED, counted_words, number_of
from core.pages.health import freshness, unreadable, watched
from core.pages.labels import may, took, type_name
from core.pages.lookups import CheckedLookups
from core.pages.runs import run_context
from core.pages.sentences import entry, words_of
from core.search.indexes.base import vector_id
from core.timeline import add_texts
from core.trackers import activity_address, thread_address


class MirrorAdmin(CheckedLookups, LongTexts):
    """Base class of the model admins: read-only by default, with search and filters that are fast for large tables."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets would count the rows for each value of each filter
    list_per_page = 50
    search: Callable[[QuerySet[Any], Any, str], QuerySet[Any]] = staticmethod(search_rows)
    staff_may_change = False
    """Whether staff may change the fields that are not read-only, such as the switch that enables collection."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Use the plural model name as the title of the list. Django's title asks users to select a row to change."""
        title = capfirst(str(self.model._meta.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the entries of ``list_filter``, with filter classes that stay fast for large tables."""
        return [cheap_filter(self.model, name) for name in super().get_list_filter(request)]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the matching rows, and False because they contain no duplicates."""
        return self.search(queryset, self.get_search_fields(request), search_term), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False, because only commands create rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether ``staff_may_change`` is set and the user is staff."""
        return self.staff_may_change and bool(getattr(request.user, "is_staff", False))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False, because only commands delete rows."""
        return False


def link(url: str, text: str = "open") -> Any:
    """Return a link that opens a URL in a new tab, or a dash if the URL is not http or https."""
    if not url.startswith(("https://", "http://")):
        return "-"
    return format_html('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', url, text)


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
    search_help_text = "Words of the summary, or a complete external id."
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


@admin.register(CollectorRun)
class CollectorRunAdmin(MirrorAdmin):
    """The admin of the run ledger."""

    list_display = (
        "started_at", "collector", "state", "took", "counted", "requests", "skips", "failure_category", "error",
    )  # fmt: skip
    list_filter = ("collector", "outcome", "failure_category", "started_at")
    search_fields = ("error", "host")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the runs, each with its number of skipped items."""
        skipped = SkippedItem.objects.filter(run=OuterRef("pk")).order_by().values("run")
        return (
            super()
            .get_queryset(request)
            .annotate(skips=Subquery(skipped.annotate(number=Count("pk")).values("number")))
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Return the page of a run. It shows live progress until the run ends."""
        run = self.get_object(request, object_id)
        context = run_context(cast("CollectorRun", run)) if run else {}
        context["may_retry"] = may(request, "core.change_skippeditem")
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.display(description="outcome", ordering="outcome")
    def state(self, run: CollectorRun) -> Any:
        """Return the outcome as a coloured label."""
        return format_html('<span class="outcome {}">{}</span>', run.outcome, CollectorRun.Outcome(run.outcome).label)

    @admin.display(description="took")
    def took(self, run: CollectorRun) -> str:
        """Return the duration of the run."""
        return took(run)

    @admin.display(description="counts")
    def counted(self, run: CollectorRun) -> str:
        """Return the three largest counts as text.

        Details, such as the number of inserted items, are included only if there are no other counts.
        """
        items = [item for item in run.counts.items() if item[0].rpartition("_")[2] not in UNCOUNTED]
        largest = sorted(items or run.counts.items(), key=lambda item: -item[1])[:3]
        return counted_words(dict(largest))

    @admin.display(description="skipped", ordering="skips")
    def skips(self, run: Any) -> int:
        """Return the number of skipped items."""
        return run.skips or 0


@admin.register(SkippedItem)
class SkippedItemAdmin(MirrorAdmin):
    """The admin of skipped items."""

    list_display = (
        "last_seen_at", "collector", "scope", "stream", "external_id", "reason", "attempts", "cleared_at",
        "retry_requested_at",
    )  # fmt: skip
    list_filter = ("collector", "stream", "reason", ClearedFilter, "last_seen_at")
    search_fields = ("external_id", "detail", "scope")
    raw_id_fields = ("run",)
    actions = ("retry",)

    @admin.action(description="Retry in the next run", permissions=["retry"])
    def retry(self, request: HttpRequest, chosen: Any) -> None:
        """Request another attempt for each selected item that is not cleared."""
        number = request_retry(chosen)
        self.message_user(request, f"The next run will retry {number_of(number, 'item')}.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change skipped items."""
        return may(request, "core.change_skippeditem")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Return the page of an item. Users who may change skipped items get a button to retry it."""
        context = {"may_retry": self.has_retry_permission(request)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})


def _as_flag(condition: Q) -> Any:
    return Case(When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField())


@admin.register(Scope)
class ScopeAdmin(MirrorAdmin):
    """The admin of scopes (repositories and channels) and their freshness."""

    list_display = ("name", "source_system", "freshness", "last_completed_at", "not_before", "source")
    list_filter = ("source_system",)
    search_fields = ("name", "external_id")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the scopes, each with two flags.

        ``is_watched`` is true if the scope should be fresh. ``is_unreadable`` is true if the tracker has no permission
        to read the scope.
        """
        rows = super().get_queryset(request)
        return rows.annotate(is_watched=_as_flag(watched()), is_unreadable=_as_flag(unreadable()))

    @admin.display(description="state", ordering="last_completed_at")
    def freshness(self, scope: Scope) -> Any:
        """Return the freshness as a coloured label."""
        annotated: Any = scope
        word, state = freshness(scope, is_watched=annotated.is_watched, is_readable=not annotated.is_unreadable)
        return format_html('<span class="outcome {}">{}</span>', state, word)

    @admin.display(description="source")
    def source(self, scope: Scope) -> Any:
        """Return a link to the scope at its source."""
        return link(scope.url)


@admin.register(Checkpoint)
class CheckpointAdmin(MirrorAdmin):
    """The admin of checkpoints."""

    list_display = ("collector", "scope", "stream", "human_readable_marker", "updated_at")
    list_filter = ("collector", "stream")
    search_fields = ("scope", "stream")


@admin.register(ApiBudget)
class ApiBudgetAdmin(MirrorAdmin):
    """The admin of API budgets. Users who may change budgets can also clear them."""

    list_display = ("source_system", "account", "resource", "remaining", "limit", "resets_at", "not_before")
    list_filter = ("source_system", "resource")
    search_fields = ("account",)
    actions = ("clear",)

    @admin.action(description="Clear remaining requests and wait times of selected budgets", permissions=["clear"])
    def clear(self, request: HttpRequest, chosen: Any) -> None:
        """Clear the remaining requests and the wait times of the selected budgets."""
        number = clear(chosen)
        words = number_of(number, "budget")
        self.message_user(request, f"Cleared {words}. The next run does not wait for the limits reported so far.")

    def has_clear_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change budgets."""
        return may(request, "core.change_apibudget")


@admin.register(Document)
class DocumentAdmin(RowLinks, MirrorAdmin):
    """The admin of documents in the search index."""

    list_display = (title, "kind", "scope", "author", "occurred_at", "version", "deleted_at", "source")
    list_filter = (ScopeSourceFilter, "kind", "scope", "occurred_at")
    list_select_related = ("scope",)
    search_fields = ("title", "external_id", "author")

    def row_links(self, row: Document) -> list[RowLink]:
        """Return the links to the document's thread and to its source."""
        return [
            RowLink(text="View thread", address=thread_address(row.source_system, row.external_id)),
            RowLink(text="View at the source", address=row.url, out=True),
        ]

    @admin.display(description="source")
    def source(self, document: Document) -> Any:
        """Return a link to the document at its source."""
        return link(document.url)


CHUNK_START = 400
"""Maximum number of characters of a chunk that are converted to plain text for the list.

The list shows 120 characters of the plain text. The other 280 characters allow for markup, which is removed.
"""


@admin.register(Chunk)
class ChunkAdmin(MirrorAdmin):
    """The admin of chunks, the parts of documents that search returns."""

    list_display = ("name", "ordinal", "text_start")
    search_fields = ("document__external_id",)
    search = staticmethod(search_chunks)
    fields = ("name", "document", "ordinal", "prefix", "text", "words", "url", "text_hash")
    readonly_fields = ("name",)
    list_select_related = ("document",)

    @admin.display(description="id in the index")
    def name(self, chunk: Chunk) -> str:
        """Return the id of the chunk in every index."""
        return vector_id(chunk.document.external_id, chunk.ordinal)

    @admin.display(description="text")
    def text_start(self, chunk: Chunk) -> Any:
        """Return the beginning of the chunk's text, without markup."""
        return format_html("<bdi>{}</bdi>", short_hashes(without_markup(chunk.text[:CHUNK_START]))[:120])


@admin.register(IndexEntry)
class IndexEntryAdmin(MirrorAdmin):
    """The admin of index entries. An entry is the state of one document in one namespace."""

    list_display = ("document", "namespace", "state", "indexed_version", "chunks", "attempts", "last_error")
    list_filter = ("namespace", "state")
    list_select_related = ("document", "namespace")
    raw_id_fields = ("document",)
    search_fields = ("document__external_id", "last_error")


@admin.register(Namespace)
class NamespaceAdmin(MirrorAdmin):
    """The admin of namespaces."""

    list_display = ("index", "name", "embedder", "dimension", "state", "created_at")
    search_fields = ("name",)
    list_filter = ("state",)


@admin.register(Embedding)
class EmbeddingAdmin(MirrorAdmin):
    """The admin of stored vectors. The vectors themselves are not shown."""

    list_display = ("text_hash", "model")
    list_filter = ("model__fingerprint",)
    search_fields = ("text_hash",)
    search = staticmethod(search_hashes)
    fields = ("text_hash", "model")
    list_select_related = ("model",)


@admin.register(Alert)
class AlertAdmin(MirrorAdmin):
    """The admin of alerts."""

    list_display = ("opened_at", "resolved_at", "kind", "collector", "scope", "category", "detail")
    list_filter = ("kind", "collector", "category", "resolved_at")
    search_fields = ("scope", "detail")


@admin.register(Notice)
class NoticeAdmin(MirrorAdmin):
    """The admin of notifications."""

    list_display = ("created_at", "title", "state", "posted_at", "attempts", "last_error")
    list_filter = ("state", "created_at")
    search_fields = ("title",)
