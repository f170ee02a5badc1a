"""The admin of the shared tables: what collectors and the sync write is shown, not edited."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin.paging import EstimatingPaginator
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
    Notice,
    Scope,
    SkippedItem,
)

admin.site.site_header = admin.site.site_title = "activity-trackers"
admin.site.index_title = "What people did"


class MirrorAdmin(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """Shows rows that mirror a source: searchable, filterable, never editable, cheap however many there are."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50

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
class ActivityAdmin(MirrorAdmin):
    """The timeline."""

    list_display = ("occurred_at", "activity_type", "actor_name", "summary", "scope", "deleted_at", "source")
    list_filter = ("source_system", "activity_type", "scope", "occurred_at")
    list_select_related = ("scope",)
    search_fields = ("external_id", "actor_name", "summary")
    date_hierarchy = None

    @admin.display(description="source")
    def source(self, activity: Activity) -> Any:
        """The activity where it happened."""
        return link(activity.source_url)


@admin.register(CollectorRun)
class CollectorRunAdmin(MirrorAdmin):
    """The ledger of runs."""

    list_display = ("started_at", "collector", "outcome", "finished_at", "requests", "failure_category", "error")
    list_filter = ("collector", "outcome", "failure_category", "started_at")
    search_fields = ("error", "host")


@admin.register(SkippedItem)
class SkippedItemAdmin(MirrorAdmin):
    """What could not be read."""

    list_display = ("last_seen_at", "collector", "scope", "stream", "external_id", "reason", "attempts", "cleared_at")
    list_filter = ("collector", "stream", "reason", "cleared_at")
    search_fields = ("external_id", "detail", "scope")


@admin.register(Scope)
class ScopeAdmin(MirrorAdmin):
    """Repositories and channels, and how fresh they are."""

    list_display = ("name", "source_system", "last_completed_at", "not_before", "source")
    list_filter = ("source_system",)
    search_fields = ("name", "external_id")

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
    """What is left of quotas."""

    list_display = ("source_system", "account", "resource", "remaining", "limit", "resets_at", "not_before")
    list_filter = ("source_system", "resource")
    search_fields = ("account",)


@admin.register(Document)
class DocumentAdmin(MirrorAdmin):
    """What can be searched."""

    list_display = ("title", "kind", "scope", "author", "occurred_at", "version", "deleted_at", "source")
    list_filter = ("source_system", "kind", "scope", "occurred_at")
    list_select_related = ("scope",)
    search_fields = ("title", "external_id", "author")

    @admin.display(description="source")
    def source(self, document: Document) -> Any:
        """The document at its source."""
        return link(document.url)


@admin.register(Chunk)
class ChunkAdmin(MirrorAdmin):
    """The pieces that are found."""

    list_display = ("vector_id", "ordinal", "embedder", "text_start")
    list_filter = ("embedder",)
    search_fields = ("vector_id",)
    fields = ("vector_id", "document", "ordinal", "text", "words", "url", "content_hash", "embedder")
    list_select_related = ()

    @admin.display(description="text")
    def text_start(self, chunk: Chunk) -> str:
        """The first words."""
        return chunk.text[:120]


@admin.register(IndexEntry)
class IndexEntryAdmin(MirrorAdmin):
    """What an index holds of a document."""

    list_display = ("document", "index", "state", "indexed_version", "chunks", "attempts", "last_error")
    list_filter = ("index", "state")
    list_select_related = ("document",)
    search_fields = ("document__external_id", "last_error")


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
