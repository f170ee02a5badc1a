"""The admin of the shared tables: what collectors and the sync write is shown, not edited."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import BooleanField, Case, Count, Model, OuterRef, Q, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst

from core.admin.filters import ClearedFilter, TypesFilter, cheap_filter
from core.admin.long_texts import LongTexts
from core.admin.paging import EstimatingPaginator
from core.admin.searching import found_by, in_timeline
from core.admin.ways import Way, Ways
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
from core.pages.health import freshness, unreadable, watched
from core.pages.labels import may, took, type_name
from core.pages.lookups import CheckedLookups
from core.pages.runs import run_context
from core.trackers import activity_address, thread_address


class MirrorAdmin(CheckedLookups, LongTexts):
    """Shows rows that mirror a source: searchable, filterable, never editable, cheap however many there are."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count every value of every filter
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Title the list by what it holds: nothing can be selected in it."""
        title = capfirst(str(self.model._meta.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Plain names get the filter that serves them at any size."""
        return [cheap_filter(self.model, name) for name in super().get_list_filter(request)]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Related rows are looked up first, so that an index finds theirs."""
        return found_by(queryset, self.get_search_fields(request), search_term), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds what the source has not said."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nor deletes it here."""
        return False


def link(url: str, text: str = "open") -> Any:
    """A link to the source; only http and https addresses become one."""
    if not url.startswith(("https://", "http://")):
        return "-"
    return format_html('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', url, text)


@admin.register(Activity)
class ActivityAdmin(Ways, MirrorAdmin):
    """The timeline."""

    list_display = ("occurred_at", "kind", "actor_name", "summary", "scope", "deleted_at", "source")
    list_filter = ("source_system", ("activity_type", TypesFilter), "scope", "occurred_at")
    list_select_related = ("scope",)
    search_fields = ("external_id", "actor_name", "summary")
    search_help_text = "Words of the line, a person's name, or a whole external id."
    date_hierarchy = None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the timeline's own indexes."""
        return in_timeline(queryset, search_term), False

    def ways(self, row: Activity) -> list[Way]:
        """Thread and source."""
        thread = activity_address(row.source_system, row.external_id)
        inside = [Way(words="View in its thread", address=thread)] if row.thread else []
        return [*inside, Way(words="View at the source", address=row.source_url, out=True)]

    @admin.display(description="kind", ordering="activity_type")
    def kind(self, activity: Activity) -> str:
        """Return the type as pages name it."""
        return type_name(activity.activity_type)

    @admin.display(description="source")
    def source(self, activity: Activity) -> Any:
        """The activity where it happened."""
        return link(activity.source_url)


@admin.register(CollectorRun)
class CollectorRunAdmin(MirrorAdmin):
    """The ledger of runs."""

    list_display = (
        "started_at", "collector", "state", "took", "counted", "requests", "skips", "failure_category", "error",
    )  # fmt: skip
    list_filter = ("collector", "outcome", "failure_category", "started_at")
    search_fields = ("error", "host")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the number of skipped items beside each."""
        mine = SkippedItem.objects.filter(run=OuterRef("pk")).order_by().values("run")
        return (
            super().get_queryset(request).annotate(skips=Subquery(mine.annotate(number=Count("pk")).values("number")))
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The page of a run, live while it goes on."""
        run = self.get_object(request, object_id)
        known = run_context(cast("CollectorRun", run)) if run else {}
        known["may_retry"] = may(request, "core.change_skippeditem")
        return super().change_view(request, object_id, form_url, {**known, **(extra_context or {})})

    @admin.display(description="outcome", ordering="outcome")
    def state(self, run: CollectorRun) -> Any:
        """In its colour."""
        return format_html('<span class="outcome {}">{}</span>', run.outcome, CollectorRun.Outcome(run.outcome).label)

    @admin.display(description="took")
    def took(self, run: CollectorRun) -> str:
        """How long."""
        return took(run)

    @admin.display(description="counts")
    def counted(self, run: CollectorRun) -> str:
        """The largest of them."""
        largest = sorted(run.counts.items(), key=lambda item: -item[1])[:3]
        return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in largest)

    @admin.display(description="skipped", ordering="skips")
    def skips(self, run: Any) -> int:
        """How many items."""
        return run.skips or 0


@admin.register(SkippedItem)
class SkippedItemAdmin(MirrorAdmin):
    """What could not be read."""

    list_display = (
        "last_seen_at", "collector", "scope", "stream", "external_id", "reason", "attempts", "cleared_at",
        "retry_requested_at",
    )  # fmt: skip
    list_filter = ("collector", "stream", "reason", ClearedFilter, "last_seen_at")
    search_fields = ("external_id", "detail", "scope")
    raw_id_fields = ("run",)
    actions = ("retry",)

    @admin.action(description="Try again in the next run", permissions=["retry"])
    def retry(self, request: HttpRequest, chosen: Any) -> None:
        """Ask for another try of what is still missing."""
        number = request_retry(chosen)
        self.message_user(request, f"The next run tries {number} item{'' if number == 1 else 's'} again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may change skipped items."""
        return may(request, "core.change_skippeditem")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """With a button for another try."""
        known = {"may_retry": self.has_retry_permission(request)}
        return super().change_view(request, object_id, form_url, {**known, **(extra_context or {})})


def _as_flag(condition: Q) -> Any:
    return Case(When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField())


@admin.register(Scope)
class ScopeAdmin(MirrorAdmin):
    """Repositories and channels, and how fresh they are."""

    list_display = ("name", "source_system", "freshness", "last_completed_at", "not_before", "source")
    list_filter = ("source_system",)
    search_fields = ("name", "external_id")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what runs without names collect, and what may not be read."""
        rows = super().get_queryset(request)
        return rows.annotate(is_watched=_as_flag(watched()), is_unreadable=_as_flag(unreadable()))

    @admin.display(description="state", ordering="last_completed_at")
    def freshness(self, scope: Scope) -> Any:
        """Fresh, stale, never completed, or nothing to wait for."""
        known: Any = scope
        word, state = freshness(scope, is_watched=known.is_watched, is_readable=not known.is_unreadable)
        return format_html('<span class="outcome {}">{}</span>', state, word)

    @admin.display(description="source")
    def source(self, scope: Scope) -> Any:
        """The scope at its source."""
        return link(scope.url)


@admin.register(Checkpoint)
class CheckpointAdmin(MirrorAdmin):
    """How far each stream has been read."""

    list_display = ("collector", "scope", "stream", "human_readable_marker", "updated_at")
    list_filter = ("collector", "stream")
    search_fields = ("scope", "stream")


@admin.register(ApiBudget)
class ApiBudgetAdmin(MirrorAdmin):
    """What is left of quotas, and until when nothing is requested; an operator may clear both."""

    list_display = ("source_system", "account", "resource", "remaining", "limit", "resets_at", "not_before")
    list_filter = ("source_system", "resource")
    search_fields = ("account",)
    actions = ("clear",)

    @admin.action(description="Clear what remains and every wait", permissions=["clear"])
    def clear(self, request: HttpRequest, chosen: Any) -> None:
        """Forget what was reported; the next run asks the source."""
        number = clear(chosen)
        self.message_user(request, f"Cleared {number} budget{'' if number == 1 else 's'}. The next run asks again.")

    def has_clear_permission(self, request: HttpRequest) -> bool:
        """Whoever may change budgets."""
        return may(request, "core.change_apibudget")


@admin.register(Document)
class DocumentAdmin(Ways, MirrorAdmin):
    """What can be searched."""

    list_display = ("title", "kind", "scope", "author", "occurred_at", "version", "deleted_at", "source")
    list_filter = ("source_system", "kind", "scope", "occurred_at")
    list_select_related = ("scope",)
    search_fields = ("title", "external_id", "author")

    def ways(self, row: Document) -> list[Way]:
        """Thread and source."""
        return [
            Way(words="View thread", address=thread_address(row.source_system, row.external_id)),
            Way(words="View at the source", address=row.url, out=True),
        ]

    @admin.display(description="source")
    def source(self, document: Document) -> Any:
        """The document at its source."""
        return link(document.url)


@admin.register(Chunk)
class ChunkAdmin(MirrorAdmin):
    """The pieces that are found."""

    list_display = ("vector_id", "ordinal", "text_start")
    search_fields = ("vector_id",)
    fields = ("vector_id", "document", "ordinal", "prefix", "text", "words", "url", "content_hash")
    list_select_related = ()

    @admin.display(description="text")
    def text_start(self, chunk: Chunk) -> str:
        """The first words."""
        return chunk.text[:120]


@admin.register(IndexEntry)
class IndexEntryAdmin(MirrorAdmin):
    """What a namespace holds of a document."""

    list_display = ("document", "namespace", "state", "indexed_version", "chunks", "attempts", "last_error")
    list_filter = ("namespace", "state")
    list_select_related = ("document", "namespace")
    raw_id_fields = ("document",)
    search_fields = ("document__external_id", "last_error")


@admin.register(Namespace)
class NamespaceAdmin(MirrorAdmin):
    """Whose vectors serve, and whose are being filled or dropped."""

    list_display = ("index", "name", "embedder", "dimension", "state", "created_at")
    list_filter = ("state",)


@admin.register(Embedding)
class EmbeddingAdmin(MirrorAdmin):
    """Vectors that were computed once."""

    list_display = ("content_hash", "embedder")
    list_filter = ("embedder",)
    search_fields = ("content_hash",)
    fields = ("content_hash", "embedder")


@admin.register(Alert)
class AlertAdmin(MirrorAdmin):
    """Troubles, open and past."""

    list_display = ("opened_at", "resolved_at", "kind", "collector", "scope", "category", "detail")
    list_filter = ("kind", "collector", "category", "resolved_at")
    search_fields = ("scope", "detail")


@admin.register(Notice)
class NoticeAdmin(MirrorAdmin):
    """Messages to people, sent and waiting."""

    list_display = ("created_at", "title", "state", "posted_at", "attempts", "last_error")
    list_filter = ("state", "created_at")
    search_fields = ("title",)
