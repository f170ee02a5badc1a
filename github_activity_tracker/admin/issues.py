"""Admin of issues, pull requests and their comments."""

from django.contrib import admin

from core.admin import MirrorAdmin
from core.admin.lists import title
from github_activity_tracker.admin.links import Beginning, NumberedWays, PostWays, SourceLink
from github_activity_tracker.models import Issue, IssueComment, ReviewComment, Revision


@admin.register(Issue)
class IssueAdmin(NumberedWays, SourceLink, MirrorAdmin):
    """Admin of issues and pull requests."""

    list_display = ("number", title, "is_pull_request", "state", "author", "repository", "created_at", "source")
    list_filter = ("repository", "is_pull_request", "state", "issue_type", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("title", "=number", "author__login")


@admin.register(IssueComment)
class IssueCommentAdmin(PostWays, Beginning, SourceLink, MirrorAdmin):
    """Admin of comments on issues and pull requests."""

    kind = "issue_comment"

    list_display = ("created_at", "issue_number", "author", "text_start", "repository", "deleted_at", "source")
    list_filter = ("repository", "is_minimized", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=issue_number", "author__login")


@admin.register(ReviewComment)
class ReviewCommentAdmin(PostWays, Beginning, SourceLink, MirrorAdmin):
    """Admin of review comments on diffs."""

    kind = "review_comment"

    list_display = ("created_at", "pull_number", "author", "path", "text_start", "repository", "deleted_at", "source")
    list_filter = ("repository", "is_resolved", "is_minimized", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=pull_number", "author__login", "path")


@admin.register(Revision)
class RevisionAdmin(Beginning, MirrorAdmin):
    """Admin of earlier texts of edited items."""

    list_display = ("replaced_at", "kind", "object_id", "text_start", "repository")
    list_filter = ("kind", "repository", "replaced_at")
    list_select_related = ("repository",)
    search_fields = ("=object_id",)
