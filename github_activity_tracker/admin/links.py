"""What the pages of this tracker share."""

from typing import Any

from django.contrib import admin

from core.admin import link
from core.admin.ways import Way, Ways
from core.operations.markdown import excerpt
from core.trackers import activity_address, person_address, scope_address, thread_address
from github_activity_tracker.documents.markup import GFM
from github_activity_tracker.models import Account, Issue

ON_GITHUB = "View on GitHub"


class SourceLink:
    """A column that leads to GitHub."""

    @admin.display(description="source")
    def source(self, row: Any) -> Any:
        """The row on GitHub."""
        return link(row.html_url)


class Beginning:
    """A column with the first words of a text."""

    @admin.display(description="text")
    def start(self, post: Any) -> str:
        """The first words, without markup."""
        return excerpt(post.body or "", GFM, 100)


class PostWays(Ways):
    """Links of a post: to its place in the thread and to GitHub. ``kind`` is that of its activity."""

    kind = ""

    def ways(self, row: Any) -> list[Way]:
        """Thread and GitHub."""
        thread = activity_address("github", f"github:{self.kind}:{row.pk}")
        return [
            Way(words="View in its thread", address=thread),
            Way(words=ON_GITHUB, address=row.html_url, out=True),
        ]


class NumberedWays(Ways):
    """Links of something that belongs to an issue, pull request or discussion by its number."""

    def ways(self, row: Any) -> list[Way]:
        """Thread and GitHub."""
        thread = thread_address("github", thread_of(row))
        return [Way(words="View thread", address=thread), Way(words=ON_GITHUB, address=address_of(row), out=True)]


class AccountWays(Ways):
    """Links of an account: to everything that it did, and to GitHub."""

    def ways(self, row: Account) -> list[Way]:
        """Timeline and GitHub."""
        return [
            Way(words="View activity", address=person_address("github", row.pk)),
            Way(words=ON_GITHUB, address=row.html_url or f"https://github.com/{row.login}", out=True),
        ]


class RepositoryWays(Ways):
    """Links of a repository."""

    def ways(self, row: Any) -> list[Way]:
        """Timeline and GitHub."""
        return [
            Way(words="View activity", address=scope_address("github", str(row.pk))),
            Way(words=ON_GITHUB, address=row.html_url, out=True),
        ]


class CommitWays(Ways):
    """Links of a commit."""

    def ways(self, row: Any) -> list[Way]:
        """Thread and GitHub."""
        thread = thread_address("github", f"github:commit:{row.repository_id}:{row.sha}")
        base = row.repository.html_url
        return [
            Way(words="View thread", address=thread),
            Way(words=ON_GITHUB, address=f"{base}/commit/{row.sha}" if base else "", out=True),
        ]


def thread_of(row: Any) -> str:
    """Return the thread of an issue, or of what carries the number of one; a pull request's own row has one too."""
    kind = {"Discussion": "discussion", "PullRequest": "pull_request"}.get(type(row).__name__, "issue")
    if isinstance(row, Issue):
        kind = "pull_request" if row.is_pull_request else "issue"
    elif kind == "issue" and _is_pull(row):
        kind = "pull_request"
    return f"github:{kind}:{row.repository_id}:{row.number}"


def address_of(row: Any) -> str:
    """Return where GitHub shows it; rows without an address of their own lead to their issue or pull request."""
    if own := getattr(row, "html_url", ""):
        return str(own)
    base = row.repository.html_url
    return f"{base}/issues/{row.number}" if base else ""


def _is_pull(row: Any) -> bool:
    return Issue.objects.filter(repository_id=row.repository_id, number=row.number, is_pull_request=True).exists()
