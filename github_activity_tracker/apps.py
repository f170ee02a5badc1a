"""Registers the GitHub tracker with core."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from django.core import checks
from django.core.checks import CheckMessage, Error

from core.errors import ConfigurationError
from core.search.documents import DocumentSource
from core.search.query.references import Reference, ReferencedDocument, ReferencePattern
from core.trackers import EarlierText, Line, PostDetails, ThreadHead, TrackerConfig

if TYPE_CHECKING:  # models cannot be imported while the apps are loading
    from core.models import Activity
    from core.operations.markdown import Markup


class GitHubTrackerConfig(TrackerConfig):
    """The app configuration of the GitHub tracker."""

    name = "github_activity_tracker"
    verbose_name = "GitHub"
    source_system = "github"
    collect_command = "collect_github"
    setting_names = ("GITHUB_API_URL", "GITHUB_GIT_URL", "GITHUB_REPOS", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY_FILE")
    secret_settings = ("GITHUB_TOKENS",)
    type_names = {
        "github.event.added_to_merge_queue": "added to the merge queue",
        "github.event.auto_merge_disabled": "auto-merge off", "github.event.auto_merge_enabled": "auto-merge on",
        "github.event.auto_rebase_enabled": "auto-rebase on", "github.event.auto_squash_enabled": "auto-squash on",
        "github.event.base_ref_changed": "new base branch", "github.event.base_ref_deleted": "base branch deleted",
        "github.event.base_ref_force_pushed": "force-push to the base branch",
        "github.event.automatic_base_change_failed": "base branch not changed",
        "github.event.automatic_base_change_succeeded": "base branch changed",
        "github.event.committed": "pushed commit", "github.event.connected": "linked",
        "github.event.convert_to_draft": "converted to a draft", "github.event.cross-referenced": "mentioned elsewhere",
        "github.event.demilestoned": "milestone removed", "github.event.disconnected": "unlinked",
        "github.event.head_ref_deleted": "branch deleted", "github.event.head_ref_force_pushed": "force-push",
        "github.event.head_ref_restored": "branch restored", "github.event.labeled": "label added",
        "github.event.milestoned": "milestone added", "github.event.referenced": "mentioned in a commit",
        "github.event.review_request_removed": "review request withdrawn", "github.event.unlabeled": "label removed",
    }  # fmt: skip
    passive_types = frozenset({"github.event.mentioned", "github.event.subscribed", "github.event.unsubscribed"})

    def checks(self) -> list[CheckMessage]:
        """Return an error if only one of the two GitHub App settings is set, or if the private key is unusable."""
        from django.conf import settings

        if not settings.GITHUB_APP_ID and not settings.GITHUB_APP_PRIVATE_KEY_FILE:
            return []
        from core.operations.github_ops.app_auth import read_app_credentials  # not above, because it imports models

        try:
            read_app_credentials(settings.GITHUB_APP_ID, settings.GITHUB_APP_PRIVATE_KEY_FILE)
        except ConfigurationError as error:
            return [Error(str(error), hint="See the GitHub section of .env.example.", id="core.E003")]
        return []

    def deployment_checks(self) -> list[CheckMessage]:
        """Return a warning if neither a token nor a GitHub App is configured.

        Without credentials, GitHub allows 60 REST requests per hour and no GraphQL queries.
        """
        from django.conf import settings

        if settings.GITHUB_TOKENS or settings.GITHUB_APP_ID:
            return []
        return [
            checks.Warning(
                "GITHUB_TOKENS is empty, so GitHub allows only 60 requests an hour.",
                hint="Create a token at https://github.com/settings/tokens and put it into .env as GITHUB_TOKENS.",
                id="core.W001",
            )
        ]

    def document_source(self) -> DocumentSource:
        """Return the source of documents for issues, pull requests, discussions, releases and commits."""
        from github_activity_tracker.documents import GitHubDocuments

        return GitHubDocuments()

    def watched_scopes(self) -> Collection[str]:
        """Return the ids of the repositories that are enabled and not deleted."""
        from github_activity_tracker.models import Repository

        ids = Repository.objects.filter(enabled=True, deleted_at=None).values_list("id", flat=True)
        return {str(repository_id) for repository_id in ids}

    def configured_names(self) -> Collection[str]:
        """Return the names of the repositories in GITHUB_REPOS, as ``owner/name``."""
        from django.conf import settings

        names = [name.strip("/").removesuffix(".git") for name in settings.GITHUB_REPOS]
        return ["/".join(name.split("/")[-2:]) for name in names]

    def bodies(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the full texts of activities, such as bodies of issues and comments, and messages of commits."""
        from github_activity_tracker.documents import bodies

        return bodies(external_ids)

    def revisions(self, external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
        """Return the earlier texts of edited issues and pull requests, and of comments on issues, diffs and commits."""
        from github_activity_tracker.documents import revisions

        return revisions(external_ids)

    def notes(self, external_ids: Sequence[str]) -> Mapping[str, str]:
        """Return a note for each comment or review that is hidden or belongs to a resolved review thread."""
        from github_activity_tracker.documents import notes

        return notes(external_ids)

    def heads(self, threads: Sequence[str]) -> Mapping[str, ThreadHead]:
        """Return the titles, numbers, states and labels of threads, such as issues, pull requests and releases."""
        from github_activity_tracker.documents import heads

        return heads(threads)

    def lines(self, activities: "Sequence[Activity]") -> Mapping[str, Line]:
        """Return sentences about activities, such as "commented on #12 Title"."""
        from github_activity_tracker.documents import lines

        return lines(activities)

    def details(self, external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
        """Return details of posts, such as reactions, positions in the diff, and the parents of replies."""
        from github_activity_tracker.documents import details

        return details(external_ids)

    def markup(self, texts: Sequence[str], scope: str) -> "Markup":
        """Return the rules for GitHub Flavored Markdown, with links for the references in these texts."""
        from github_activity_tracker.documents import markup

        return markup(texts, scope)

    def reference_patterns(self) -> Sequence[ReferencePattern]:
        """Return the patterns of the numbers of issues, pull requests and discussions, such as ``owner/name#12``."""
        from github_activity_tracker.documents.references import PATTERNS

        return PATTERNS

    def find_references(self, references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
        """Return the documents of numbers, URLs, hashes, branches, tags, releases and people."""
        from github_activity_tracker.documents.references import find_references

        return find_references(references)

    def bots(self) -> Collection[str]:
        """Return the ids of the accounts that have the kind ``Bot`` on GitHub."""
        from github_activity_tracker.models import Account

        return {str(pk) for pk in Account.objects.filter(kind="Bot").values_list("pk", flat=True)}
