"""Issues, pull requests and discussions can be switched off in a repository: then GitHub hides what is in them.

A stream that is switched off is complete, and nothing in it is marked as deleted: when it is switched on again,
everything is there. https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import NotFound, RetryLater
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import fetch, store
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED
from github_activity_tracker.fetch.repositories import FEATURES

logger = logging.getLogger(__name__)
BEHIND = {
    "issues": "issues", "issue_comments": "issues", "issue_timelines": "issues", "labels": "issues",
    "milestones": "issues", "pulls": "pulls", "review_comments": "pulls", "discussions": "discussions",
}  # fmt: skip
"""The switch that hides each stream."""
SWITCHES = {
    "issues": "hasIssuesEnabled", "pulls": "hasPullRequestsEnabled", "discussions": "hasDiscussionsEnabled",
}  # fmt: skip
TOTALS = {"issues": "issues", "pulls": "pullRequests", "discussions": "discussions"}
"""What GraphQL calls the switches, where a server has them, and the lists behind them."""
WORDS = {"issues": "issues", "pulls": "pull requests", "discussions": "discussions"}


@dataclass(kw_only=True)
class Switches:
    """What is switched off in one repository, asked at most once a run and only when something is missing."""

    client: GitHubClient
    scope: Scope
    facts: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        self._told: dict[str, bool] | None = None
        self._hidden: set[str] = set()

    @property
    def notes(self) -> list[str]:
        """One line for people about each kind that GitHub hides."""
        return [f"{WORDS[kind]} are switched off at GitHub; what is stored stays" for kind in sorted(self._hidden)]

    def explain(self, stream: str, error: NotFound) -> bool:
        """Return whether a list is absent because it is switched off."""
        kind = BEHIND.get(stream, "")
        if error.reason not in {"not_found", "gone"} or not kind or self._is_on(kind) is not False:
            return False
        self._hidden.add(kind)
        logger.info("stream is switched off scope=%s stream=%s", self.scope.name, stream)
        return True

    def off(self) -> frozenset[str]:
        """Return the kinds (issues, pulls, discussions) that are hidden, as far as anything stored depends on it.

        GitHub is asked when facts leave it open and a list that has rows here is empty there.
        """
        for kind in FEATURES:
            total = ((self.facts or {}).get(TOTALS[kind]) or {}).get("totalCount")
            missing = total == 0 and store.has_threads(int(self.scope.external_id), kind)
            if missing and self._is_on(kind) is False:
                self._hidden.add(kind)
        return frozenset(kind for kind in FEATURES if kind in self._hidden or self._in_facts(kind) is False)

    def shows_all(self, stream: str, facts: Mapping[str, Any]) -> bool:
        """Return whether a later change of the facts will tell when a hidden stream shows again."""
        kind = BEHIND.get(stream, "")
        return kind not in self._hidden or (facts.get(TOTALS[kind]) or {}).get("totalCount") == 0

    def _in_facts(self, kind: str) -> bool | None:
        value = (self.facts or {}).get(SWITCHES[kind])
        return value if isinstance(value, bool) else None

    def _is_on(self, kind: str) -> bool | None:
        """Return whether a kind is switched on; None where GitHub does not say."""
        if (value := self._in_facts(kind)) is not None:
            return value
        if self._told is None:
            try:
                self._told = fetch.features(self.client, self.scope.name, int(self.scope.external_id))
            except ENDS_RUN:
                raise
            except (RetryLater, *ISOLATED) as error:
                logger.info("GitHub does not say what is switched on scope=%s: %s", self.scope.name, error)
                self._told = {}
        return self._told.get(kind)
