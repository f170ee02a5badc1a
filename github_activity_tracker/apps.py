"""Registers the GitHub tracker with core."""

from collections.abc import Collection, Mapping, Sequence

from core.search.documents import DocumentSource
from core.trackers import EarlierText, TrackerConfig


class GitHubTrackerConfig(TrackerConfig):
    """Repositories, issues, pull requests, comments and commits."""

    name = "github_activity_tracker"
    verbose_name = "GitHub"
    source_system = "github"
    collect_command = "collect_github"

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
