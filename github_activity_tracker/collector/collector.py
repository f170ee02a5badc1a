"""Runs over repositories: one that fails stops none of the others."""

import logging
from collections import Counter

from django.conf import settings
from django.utils import timezone

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.errors import (
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    NotFound,
    ReplaceToken,
    RetryLater,
    ScopeBusy,
)
from core.models import Scope
from core.runs import clear_skips, record_skip, scope_lock
from core.search.documents import DocumentSource
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector.options import CollectOptions, Target, provisional_id, targets
from github_activity_tracker.collector.streams import COMMITS, LISTS, STREAMS, collect_commits, collect_list
from github_activity_tracker.documents import GitHubDocuments

logger = logging.getLogger(__name__)


class GitHubCollector(AbstractCollector):
    """Collects repositories, the stalest first; see ``CollectOptions`` for what a run can be asked to do."""

    name = "github"

    def __init__(self, options: CollectOptions) -> None:
        self.options = options
        self.client = fetch.open_client(max_requests=options.max_requests, max_seconds=options.max_seconds)

    def validate_config(self) -> None:
        """Refuse what cannot be done before anything is touched."""
        if unknown := set(self.options.streams) - set(STREAMS):
            raise ConfigurationError(f"Unknown stream {', '.join(sorted(unknown))}. There are: {', '.join(STREAMS)}.")
        if not settings.GITHUB_TOKENS and not self.options.git_only:
            logger.warning("GITHUB_TOKENS is empty: GitHub allows 60 requests an hour, each of at most 100 items.")

    def document_sources(self) -> list[DocumentSource]:
        """What the second phase brings up to date."""
        return [GitHubDocuments()]

    def collect(self) -> CollectorResult:
        """Collect every repository; what went wrong with one is in its report."""
        reports: list[ScopeReport] = []
        for target in targets(self.options.repositories):
            report = self._collect_apart(target)
            reports.append(report)
            if report.stops_run:
                break
        return CollectorResult.of(reports, requests=self.client.requests)

    def _collect_apart(self, target: Target) -> ScopeReport:
        """Collect one repository; an error becomes its report, except one that no repository can escape."""
        counts: Counter[str] = Counter()
        try:
            scope = self._open_scope(target)
            with scope_lock(self.name, scope.external_id) as held:
                if not held:
                    raise ScopeBusy("another run is collecting it; skipped")
                skipped = self._collect_streams(scope, counts)
        except ReplaceToken:
            raise
        except CollectorError as error:
            return self._report_error(target, error, counts)
        counts = Counter({name: n for name, n in counts.items() if n})
        reason = "could not be read: " + ", ".join(skipped) if skipped else ""
        outcome = "partial" if skipped or any(name.endswith("_malformed") for name in counts) else "succeeded"
        return ScopeReport(scope=scope.name, outcome=outcome, counts=counts, skipped=len(skipped), reason=reason)

    def _open_scope(self, target: Target) -> Scope:
        """The repository's scope; GitHub is asked for its facts unless only a local clone is to be read."""
        if self.options.git_only and settings.GITHUB_GIT_URL.startswith("file://"):
            repository_id = target.known_id or provisional_id(target.full_name)
            known = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
            return known or store.store_repository(convert.provisional_row(repository_id, target.full_name))
        payload = fetch.repository(self.client, target.full_name, target.known_id)
        owner = payload.get("owner")
        return store.store_repository(convert.repository_row(payload), convert.account_row(owner) if owner else None)

    def _collect_streams(self, scope: Scope, counts: Counter[str]) -> list[str]:
        """Read every stream that was asked for; returns those that GitHub does not show."""
        asked = (COMMITS,) if self.options.git_only else self.options.streams or STREAMS
        skipped: list[str] = []
        for stream in (name for name in STREAMS if name in asked):
            try:
                self._collect_stream(scope, stream, counts)
            except NotFound as error:
                skipped.append(f"{stream} ({error.reason})")
                record_skip(
                    collector=self.name, scope=scope.external_id, stream=stream, external_id=stream,
                    reason=error.reason, detail=str(error),
                )  # fmt: skip
            else:
                clear_skips(collector=self.name, scope=scope.external_id, stream=stream, external_id=stream)
            logger.info("stream read scope=%s stream=%s seen=%s", scope.name, stream, counts[stream])
        if not skipped and set(asked) == set(STREAMS):
            Scope.objects.filter(pk=scope.pk).update(last_completed_at=timezone.now(), not_before=None)
        return skipped

    def _collect_stream(self, scope: Scope, stream: str, counts: Counter[str]) -> None:
        if stream in LISTS:
            collect_list(self.client, scope, stream, since=self.options.since, full=self.options.full, counts=counts)
            return
        history = fetch.LocalHistory(scope.name, int(scope.external_id), self.client.tokens.git_value())
        if history.update(None if self.options.git_only else self.client, scope.name):
            collect_commits(history, scope, full=self.options.full, counts=counts)

    def _report_error(self, target: Target, error: CollectorError, counts: Counter[str]) -> ScopeReport:
        """What is said, and kept, of a repository that could not be collected."""
        partly = error.exit_code == 3 or any(counts.values())
        outcome = "busy" if isinstance(error, ScopeBusy) else "partial" if partly else "failed"
        if isinstance(error, RetryLater):
            Scope.objects.filter(source_system="github", name=target.full_name).update(not_before=error.not_before)
        if isinstance(error, NotFound):
            record_skip(
                collector=self.name, scope=target.full_name, stream="repository", external_id=target.full_name,
                reason=error.reason, detail=str(error),
            )  # fmt: skip
        reason = str(error)
        if isinstance(error, NotFound):
            reason = f"GitHub shows no repository {target.full_name}; check the name, or use a token that may see it"
        logger.warning("collection ended early scope=%s outcome=%s reason=%s", target.full_name, outcome, reason)
        return ScopeReport(
            scope=target.full_name, outcome=outcome, counts={k: n for k, n in counts.items() if n}, skipped=1,
            reason=reason, category=error.category.value, stops_run=isinstance(error, BudgetExhausted),
        )  # fmt: skip
