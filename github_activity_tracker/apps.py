"""Registers the GitHub tracker with core."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from core.search.documents import DocumentSource
from core.trackers import EarlierText, Line, PostDetails, ThreadHead, TrackerConfig

if TYPE_CHECKING:  # models cannot be imported while apps are loaded
    from core.models import Activity
    from core.operations.markdown import Markup


class GitHubTrackerConfig(TrackerConfig):
    """Repositories, issues, pull requests, comments and commits."""

    name = "github_activity_tracker"
    verbose_name = "GitHub"
    source_system = "github"
    collect_command = "collect_github"
    passive_types = frozenset({"github.event.mentioned", "github.event.subscribed", "github.event.unsubscribed"})

    def document_source(self) -> DocumentSource:
        """Issues and pull requests with their talk, and commits."""
        from github_activity_tracker.documents import GitHubDocuments

        return GitHubDocuments()

    def watched_scopes(self) -> Collection[str]:
        """The repositories that are enabled and not known to be gone."""
        from github_activity_tracker.models import Repository

        ids = Repository.objects.filter(enabled=True, deleted_at=None).values_list("id", flat=True)
        return {str(repository_id) for repository_id in ids}

    def configured_names(self) -> Collection[str]:
        """Return the repositories of GITHUB_REPOS."""
        from django.conf import settings

        names = [name.strip("/").removesuffix(".git") for name in settings.GITHUB_REPOS]
        return ["/".join(name.split("/")[-2:]) for name in names]

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Bodies of issues, pull requests and comments; messages of commits."""
        from github_activity_tracker.documents import bodies

        return bodies(external_ids)

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Earlier texts of issues, pull requests and comments."""
        from github_activity_tracker.documents import revisions

        return revisions(external_ids)

    def notes(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Which comments are hidden, and which belong to resolved review threads."""
        from github_activity_tracker.documents import notes

        return notes(external_ids)

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Titles, numbers, states and labels of issues, pull requests, discussions, releases and commits."""
        from github_activity_tracker.documents import heads

        return heads(threads)

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Activities in words."""
        from github_activity_tracker.documents import lines

        return lines(activities)

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Reactions, verdicts, places in the diff, what is answered."""
        from github_activity_tracker.documents import details

        return details(external_ids)

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """GitHub Flavored Markdown with references to items, people and commits."""
        from github_activity_tracker.documents import markup

        return markup(texts, scope)

    def bots(self) -> Collection[str]:
        """Accounts that GitHub calls bots."""
        from github_activity_tracker.models import Account

        return {str(pk) for pk in Account.objects.filter(kind="Bot").values_list("pk", flat=True)}
