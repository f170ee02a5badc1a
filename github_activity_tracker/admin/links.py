"""Columns and links that the admin pages of this tracker share."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from core.admin import link
from core.admin.links import RowLink, RowLinks
from core.operations.markdown import excerpt
from core.operations.visible import visible
from core.trackers import activity_address, person_address, scope_address, thread_address
from github_activity_tracker.documents.markup import GFM
from github_activity_tracker.models import Account, Issue

ON_GITHUB = "View on GitHub"
LISTED_WORDS = 200
"""Maximum number of characters of a text in an admin list. Longer texts would make the rows too tall."""


class SourceLink:
    """Adds a column with a link to GitHub."""

    @admin.display(description="source")
    def source(self, row: Any) -> Any:
        """Return a link to the row on GitHub."""
        return link(row.html_url)


class Beginning:
    """Adds a column with the beginning of a text."""

    @admin.display(description="text")
    def text_start(self, post: Any) -> Any:
        """Return the beginning of the text without markup."""
        return format_html("<bdi>{}</bdi>", visible(excerpt(post.body or "", GFM, LISTED_WORDS)) or "-")


class PostWays(RowLinks):
    """Adds links from a post to its thread and to GitHub. ``kind`` is the kind of the post's activity."""

    kind = ""

    def row_links(self, row: Any) -> list[RowLink]:
        """Return links to the post in its thread and to GitHub."""
        thread = activity_address("github", f"github:{self.kind}:{row.pk}")
        return [
            RowLink(text="View in its thread", address=thread),
            RowLink(text=ON_GITHUB, address=row.html_url, out=True),
        ]


class NumberedWays(RowLinks):
    """Adds links from a row to its thread and to GitHub.

    The row must have the number of an issue, pull request or discussion.
    """

    def row_links(self, row: Any) -> list[RowLink]:
        """Return links to the thread and to GitHub."""
        thread = thread_address("github", thread_of(row))
        return [RowLink(text="View thread", address=thread), RowLink(text=ON_GITHUB, address=address_of(row), out=True)]


class AccountWays(RowLinks):
    """Adds links from an account to its activity and to GitHub."""

    def row_links(self, row: Account) -> list[RowLink]:
        """Return links to the timeline of the account and to GitHub."""
        return [
            RowLink(text="View activity", address=person_address("github", row.pk)),
            RowLink(text=ON_GITHUB, address=row.html_url or f"https://github.com/{row.login}", out=True),
        ]


class RepositoryWays(RowLinks):
    """Adds links from a repository to its activity and to GitHub."""

    def row_links(self, row: Any) -> list[RowLink]:
        """Return links to the timeline of the repository and to GitHub."""
        return [
            RowLink(text="View activity", address=scope_address("github", str(row.pk))),
            RowLink(text=ON_GITHUB, address=row.html_url, out=True),
        ]


class CommitWays(RowLinks):
    """Adds links from a commit to its thread and to GitHub."""

    def row_links(self, row: Any) -> list[RowLink]:
        """Return links to the thread of the commit and to GitHub."""
        thread = thread_address("github", f"github:commit:{row.repository_id}:{row.sha}")
        base = row.repository.html_url
        return [
            RowLink(text="View thread", address=thread),
            RowLink(text=ON_GITHUB, address=f"{base}/commit/{row.sha}" if base else "", out=True),
        ]


def thread_of(row: Any) -> str:
    """Return the external id of the thread to which a row belongs.

    The row is a discussion, issue or pull request, or has the number of such an item.
    """
    kind = {"Discussion": "discussion", "PullRequest": "pull_request"}.get(type(row).__name__, "issue")
    if isinstance(row, Issue):
        kind = "pull_request" if row.is_pull_request else "issue"
    elif kind == "issue" and _is_pull(row):
        kind = "pull_request"
    return f"github:{kind}:{row.repository_id}:{row.number}"


def address_of(row: Any) -> str:
    """Return the GitHub URL of a row, or of its issue or pull request if the row itself has no URL.

    Returns an empty string if the URL of the repository is needed but unknown.
    """
    if own := getattr(row, "html_url", ""):
        return str(own)
    base = row.repository.html_url
    return f"{base}/issues/{row.number}" if base else ""


def _is_pull(row: Any) -> bool:
    return Issue.objects.filter(repository_id=row.repository_id, number=row.number, is_pull_request=True).exists()
