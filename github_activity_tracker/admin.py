"""The admin of what is kept of GitHub. Only which repositories are collected can be changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin import MirrorAdmin, link
from github_activity_tracker.models import (
    Account,
    Commit,
    CommitFile,
    GitRef,
    Issue,
    IssueComment,
    Repository,
    ReviewComment,
)


class SourceLink:
    """A column that leads to GitHub."""

    @admin.display(description="source")
    def source(self, row: Any) -> Any:
        """The row on GitHub."""
        return link(row.html_url)


@admin.register(Repository)
class RepositoryAdmin(SourceLink, MirrorAdmin):
    """Repositories; ``enabled`` says which are collected by runs that name none."""

    list_display = ("full_name", "enabled", "language", "pushed_at", "archived", "deleted_at", "source")
    list_filter = ("enabled", "archived", "fork", "language")
    search_fields = ("full_name", "description")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff may switch collection on and off."""
        return bool(getattr(request.user, "is_staff", False))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything but the switch."""
        return [field.name for field in Repository._meta.fields if field.name != "enabled"]


@admin.register(Account)
class AccountAdmin(SourceLink, MirrorAdmin):
    """People, bots, organisations."""

    list_display = ("login", "kind", "id", "source")
    list_filter = ("kind",)
    search_fields = ("login", "=id")


@admin.register(Issue)
class IssueAdmin(SourceLink, MirrorAdmin):
    """Issues and pull requests."""

    list_display = ("number", "title", "is_pull_request", "state", "author", "repository", "created_at", "source")
    list_filter = ("repository", "is_pull_request", "state", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("title", "=number", "author__login")


@admin.register(IssueComment)
class IssueCommentAdmin(SourceLink, MirrorAdmin):
    """Comments."""

    list_display = ("created_at", "issue_number", "author", "start", "repository", "deleted_at", "source")
    list_filter = ("repository", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=issue_number", "author__login")

    @admin.display(description="text")
    def start(self, comment: IssueComment) -> str:
        """The first words."""
        return (comment.body or "")[:100]


@admin.register(ReviewComment)
class ReviewCommentAdmin(SourceLink, MirrorAdmin):
    """Comments on diffs."""

    list_display = ("created_at", "pull_number", "path", "author", "start", "repository", "deleted_at", "source")
    list_filter = ("repository", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "=pull_number", "author__login", "path")

    @admin.display(description="text")
    def start(self, comment: ReviewComment) -> str:
        """The first words."""
        return (comment.body or "")[:100]


@admin.register(Commit)
class CommitAdmin(MirrorAdmin):
    """Commits."""

    list_display = ("committed_at", "sha", "author_name", "subject", "additions", "deletions", "repository", "source")
    list_filter = ("repository", "committed_at", "deleted_at")
    list_select_related = ("repository",)
    search_fields = ("sha__startswith", "author_name", "message")

    @admin.display(description="subject")
    def subject(self, commit: Commit) -> str:
        """The first line of the message."""
        return commit.message.partition("\n")[0][:100]

    @admin.display(description="source")
    def source(self, commit: Commit) -> Any:
        """The commit on GitHub."""
        return link(f"{commit.repository.html_url}/commit/{commit.sha}")


@admin.register(CommitFile)
class CommitFileAdmin(MirrorAdmin):
    """Changed files."""

    list_display = ("path", "status", "additions", "deletions", "commit")
    list_filter = ("status",)
    list_select_related = ("commit",)
    search_fields = ("path",)
    raw_id_fields = ("commit",)


@admin.register(GitRef)
class GitRefAdmin(MirrorAdmin):
    """Branches and tags."""

    list_display = ("name", "repository", "sha")
    list_filter = ("repository",)
    list_select_related = ("repository",)
    search_fields = ("name",)
