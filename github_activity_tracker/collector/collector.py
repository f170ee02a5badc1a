"""Runs over repositories: one that fails stops none of the others."""

import logging
import time
from collections import Counter
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.collectors import AbstractCollector, CollectorResult, ScopeReport
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, NotFound, ReplaceToken, RetryLater, ScopeBusy
from core.models import Scope
from core.runs import clear_skips, record_skip, scope_lock
from core.search.documents import DocumentSource
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector.options import CollectOptions, Target, targets
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
