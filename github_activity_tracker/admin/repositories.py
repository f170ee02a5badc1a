"""Admin of repositories, accounts, commits, branches and tags."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin import MirrorAdmin, link
from core.admin.lists import short_hash
from core.operations.markdown import short_hashes
from github_activity_tracker.admin.links import (
    LISTED_WORDS,
    AccountWays,
    Beginning,
    CommitWays,
    RepositoryWays,
    SourceLink,
)
from github_activity_tracker.models import (
    Account,
    AuthorEmail,
    Commit,
    CommitComment,
    CommitFile,
    FormerLogin,
    FormerName,
    GitRef,
    RefChange,
    Repository,
)


@admin.register(Repository)
class RepositoryAdmin(RepositoryWays, SourceLink, MirrorAdmin):
    """Admin of repositories.

    A run without names of repositories collects the enabled repositories and the repositories in GITHUB_REPOS.
    """

    list_display = ("full_name", "enabled", "language", "pushed_at", "archived", "deleted_at", "source")
    list_filter = ("enabled", "archived", "fork", "visibility", "language", "license_id")
    search_fields = ("full_name", "description")
    staff_may_change = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return all fields except ``enabled``."""
        return [field.name for field in Repository._meta.fields if field.name != "enabled"]


@admin.register(FormerName)
class FormerNameAdmin(MirrorAdmin):
    """Admin of former names of repositories."""

    list_display = ("full_name", "repository", "noticed_at")
    list_select_related = ("repository",)
    search_fields = ("full_name",)


@admin.register(Account)
class AccountAdmin(AccountWays, SourceLink, MirrorAdmin):
    """Admin of accounts: people, bots and organisations."""

    list_display = ("login", "kind", "id", "deleted_at", "source")
    list_filter = ("kind", "deleted_at")
    search_fields = ("login", "=id")


@admin.register(FormerLogin)
class FormerLoginAdmin(MirrorAdmin):
    """Admin of former logins of accounts."""

    list_display = ("login", "account", "noticed_at")
    list_select_related = ("account",)
    search_fields = ("login", "account__login")


@admin.register(Commit)
class CommitAdmin(CommitWays, MirrorAdmin):
    """Admin of commits."""

    list_display = (
        "committed_at",
        short_hash("sha", "commit"),
        "title",
        "author_name",
        "additions",
        "deletions",
        "repository",
        "source",
    )
    list_filter = ("repository", "committed_at", "deleted_at")
    list_select_related = ("repository",)
    search_fields = ("sha__startswith", "author_name", "message")

    @admin.display(description="subject")
    def title(self, commit: Commit) -> str:
        """Return the beginning of the first line of the commit message, with short hashes."""
        return short_hashes(commit.message.partition("\n")[0])[:LISTED_WORDS]

    @admin.display(description="source")
    def source(self, commit: Commit) -> Any:
        """Return a link to the commit on GitHub."""
        base = commit.repository.html_url
        return link(f"{base}/commit/{commit.sha}" if base else "")


@admin.register(CommitComment)
class CommitCommentAdmin(Beginning, SourceLink, MirrorAdmin):
    """Admin of comments on commits."""

    list_display = (
        "created_at",
        short_hash("commit_sha", "commit"),
        "path",
        "author",
        "text_start",
        "repository",
        "deleted_at",
        "source",
    )
    list_filter = ("repository", "is_minimized", "created_at", "deleted_at")
    list_select_related = ("author", "repository")
    search_fields = ("=id", "commit_sha__startswith", "author__login")


@admin.register(CommitFile)
class CommitFileAdmin(MirrorAdmin):
    """Admin of the files that commits changed."""

    list_display = ("path", "status", "additions", "deletions", "previous_path")
    list_filter = ("status",)
    search_fields = ("path",)
    raw_id_fields = ("commit",)


@admin.register(GitRef)
class GitRefAdmin(MirrorAdmin):
    """Admin of branches and tags."""

    list_display = ("name", short_hash("sha", "commit"), "repository")
    list_filter = ("repository",)
    list_select_related = ("repository",)
    search_fields = ("name", "sha")


@admin.register(RefChange)
class RefChangeAdmin(MirrorAdmin):
    """Admin of changes to branches and tags."""

    list_display = (
        "noticed_at",
        "name",
        short_hash("old_sha", "old commit"),
        short_hash("new_sha", "new commit"),
        "forced",
        "repository",
    )
    list_filter = ("forced", "repository")
    list_select_related = ("repository",)
    search_fields = ("name", "old_sha", "new_sha")


@admin.register(AuthorEmail)
class AuthorEmailAdmin(MirrorAdmin):
    """Admin of the email addresses of commit authors, with the account that GitHub returned for each address."""

    list_display = ("email", "account", "asked_at")
    list_select_related = ("account",)
    search_fields = ("email", "account__login")
