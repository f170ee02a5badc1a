"""The read-only admin of the shared tables. Its actions request retries of skipped items and clear API budgets."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import BooleanField, Case, Count, OuterRef, Q, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin.activities import ActivityAdmin
from core.admin.base import MirrorAdmin, link
from core.admin.document_search import search_chunks, search_documents, search_entries
from core.admin.links import RowLink, RowLinks
from core.admin.lists import ClearedFilter, ScopeSourceFilter, search_hashes, title
from core.db.budgets import clear
from core.ingest.skips import request_retry
from core.models import (
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
from core.pages.labels import may, took
from core.pages.runs import run_context
from core.search.indexes.base import vector_id
from core.trackers import thread_address

__all__ = ["ActivityAdmin", "MirrorAdmin", "link"]


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
    search = staticmethod(search_documents)
    search_help_text = (
        "Parts of the title, external id or author, or a complete external id. A number finds the last part of an "
        "external id, the id of a repository or channel, and whole words of titles."
    )

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
    search_help_text = "An id in the index, or part of an external id. A number finds only the last part."
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
    search_fields = ("document__external_id",)
    search = staticmethod(search_entries)
    search_help_text = "Part of an external id or error. In external ids, a number finds only the last part."


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
