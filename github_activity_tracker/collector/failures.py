"""Decides which errors end a run, and detects outages of GitHub and features that are switched off."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import DataError, IntegrityError, ProgrammingError

from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CollectorError,
    CollectorFailureCategory,
    ConfigurationError,
    NotFound,
    ReplaceToken,
    RetryLater,
    SliceRefused,
    SourceTimeout,
    SourceUnavailable,
    classify_failure,
    in_one_line,
)
from core.logs import redact
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.client import PAYLOAD_ERRORS, graphql_works, is_reachable
from github_activity_tracker.fetch.repositories import FEATURES, fetch_features
from github_activity_tracker.store.repositories import has_threads

logger = logging.getLogger(__name__)
LONGEST = 300
"""Maximum number of characters of a reason. A report has one line per repository, and longer lines are hard to read."""
STORAGE_ERRORS = (DataError, IntegrityError, ProgrammingError)
"""PostgreSQL errors that concern single rows. Lost connections and full disks are not included."""
UNFORESEEN = (*PAYLOAD_ERRORS, *STORAGE_ERRORS)
FAILURES_IN_A_ROW = 3
"""Number of consecutive failed streams or repositories after which a run checks whether GitHub responds at all.

The check is a request that does not count towards the rate limit. A larger number would lose more time in an outage.
"""
HURRIED_ATTEMPTS = 2
"""Maximum number of attempts per request until GitHub responds again. Fewer attempts save time in an outage."""


class Unreachable(CollectorError):
    """GitHub as a whole does not respond, so requests for other streams and repositories would fail too."""

    category: ClassVar[CollectorFailureCategory] = CollectorFailureCategory.NETWORK


ENDS_RUN = (ReplaceToken, BudgetExhausted, Unreachable)
"""Errors that end the run, because every other stream and repository would also get them."""
ISOLATED = (CollectorError, *UNFORESEEN)
"""Errors that stop only one stream or repository, unless they are in ``ENDS_RUN``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The reason why a stream or repository could not be read.

    ``reason`` is the machine-readable reason of a skip. ``detail`` is one line for people.
    """

    reason: str
    detail: str
    category: str

    @classmethod
    def of(cls, error: Exception, *, where: str) -> "Failure":
        """Return a description of an error. ``where`` names the failed step in the log.

        An unforeseen error is logged with its traceback. Its detail does not contain the message of the Python error.
        """
        category = classify_failure(error).value
        if isinstance(error, CollectorError):
            return cls(reason=_reason(error), detail=redact(in_one_line(error))[:LONGEST], category=category)
        stored = isinstance(error, STORAGE_ERRORS)
        logger.error(
            "%s failed: %s: %s", where, type(error).__name__, redact(in_one_line(error))[:LONGEST],
            exc_info=error, extra={"failure_category": category},
        )  # fmt: skip
        detail = "the database refused GitHub's data" if stored else "GitHub returned data in an undocumented format"
        return cls(
            reason="not_stored" if stored else "unexpected_answer",
            detail=f"{detail}; the next run tries again, and the log has the details",
            category=category,
        )


def _reason(error: CollectorError) -> str:
    """Return the machine-readable reason of a skip of a stream or repository.

    The result is never ``malformed`` or ``refused``, because ``retry.py`` uses these reasons for single items.
    """
    if isinstance(error, (NotFound, AccessDenied)):
        return error.reason
    if isinstance(error, SourceTimeout):
        return "timeout"
    if isinstance(error, (SourceUnavailable, Unreachable)):
        return "unavailable"
    return "configuration" if isinstance(error, ConfigurationError) else "unexpected_answer"


def in_words(failures: Iterable[tuple[str, Failure]]) -> str:
    """Return one line about all failures, grouped by cause."""
    by_detail: dict[str, list[str]] = {}
    for name, failure in failures:
        by_detail.setdefault(failure.detail, []).append(f"{name} ({failure.reason})")
    parts = [f"{', '.join(names)}: {detail}" for detail, names in by_detail.items()]
    return f"could not be read: {'; '.join(parts)}" if parts else ""


class Outage:
    """Detects outages of GitHub as a whole, so that a run does not wait for each stream in turn.

    The class counts consecutive failures of all streams and repositories of a run.
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client, self._attempts, self._failures = client, client.transport.attempts, 0
        self._graphql: CollectorError | None = None

    def note_answer(self) -> None:
        """Record that GitHub responded."""
        self._failures = 0
        self._client.transport.attempts = self._attempts

    def note_failure(self, error: Exception) -> None:
        """Record an error. ``SourceUnavailable`` and ``SourceTimeout`` reduce the attempts of later requests.

        Any other error counts as a response. Raises ``Unreachable`` after ``FAILURES_IN_A_ROW`` consecutive errors of
        these two types if GitHub does not respond at all.
        """
        if not isinstance(error, (SourceUnavailable, SourceTimeout)):
            self.note_answer()
            return
        self._failures += 1
        self._client.transport.attempts = min(self._attempts, HURRIED_ATTEMPTS)
        if isinstance(error, SliceRefused) and self._graphql is None and not graphql_works(self._client):
            self._graphql = error
        if self._failures >= FAILURES_IN_A_ROW and not is_reachable(self._client):
            raise Unreachable(f"{error}; GitHub does not respond to other requests either") from error

    def note_graphql(self, error: CollectorError) -> None:
        """Record that GraphQL as a whole does not respond."""
        self._graphql = error

    def graphql_error(self) -> CollectorError | None:
        """Return the error that currently prevents the use of GraphQL, or None."""
        return self._graphql

    def retry_graphql(self) -> bool:
        """Return whether GraphQL responds. Sends one request after an outage of GraphQL, otherwise none."""
        if self._graphql is not None and graphql_works(self._client):
            logger.info("GraphQL answers again")
            self._graphql = None
        return self._graphql is None


FACT_OF_FEATURE = {
    "issues": "hasIssuesEnabled", "pulls": "hasPullRequestsEnabled", "discussions": "hasDiscussionsEnabled",
}  # fmt: skip
"""GraphQL fields that say whether a feature is switched on, by feature. Older servers lack some of these fields."""
LIST_OF_FEATURE = {"issues": "issues", "pulls": "pullRequests", "discussions": "discussions"}
LABELS = {"issues": "issues", "pulls": "pull requests", "discussions": "discussions"}


@dataclass(kw_only=True)
class Features:
    """Finds out whether issues, pull requests or discussions are switched off in one repository.

    GitHub hides the contents of a feature that is switched off. The streams of the feature count as complete. None of
    their rows is marked as deleted, because the contents return when the feature is switched on again. At most one REST
    request per repository reads the settings, and only if contents are missing.
    https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features
    """

    client: GitHubClient
    scope: Scope
    facts: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        self._from_rest: dict[str, bool] | None = None
        self._hidden: set[str] = set()

    @property
    def notes(self) -> list[str]:
        """One line for people about each feature that is switched off."""
        return [f"{LABELS[kind]} are switched off on GitHub; stored data stays" for kind in sorted(self._hidden)]

    def explain(self, feature: str, stream: str, error: NotFound) -> bool:
        """Return whether the list of a stream is absent because its feature is switched off."""
        if error.reason not in {"not_found", "gone"} or not feature or self._is_on(feature) is not False:
            return False
        self._hidden.add(feature)
        logger.info("stream is switched off scope=%s stream=%s", self.scope.name, stream)
        return True

    def switched_off(self) -> frozenset[str]:
        """Return the features that are switched off.

        If the list of a feature is empty although rows are stored, and the facts do not say whether the feature is
        switched on, one REST request reads the settings.
        """
        for feature in FEATURES:
            total = ((self.facts or {}).get(LIST_OF_FEATURE[feature]) or {}).get("totalCount")
            missing = total == 0 and has_threads(int(self.scope.external_id), feature)
            if missing and self._is_on(feature) is False:
                self._hidden.add(feature)
        return frozenset(feature for feature in FEATURES if feature in self._hidden or self._in_facts(feature) is False)

    def shows_all(self, feature: str, facts: Mapping[str, Any]) -> bool:
        """Return whether the feature is visible, or its total will change when it is switched on again."""
        return feature not in self._hidden or (facts.get(LIST_OF_FEATURE[feature]) or {}).get("totalCount") == 0

    def _in_facts(self, feature: str) -> bool | None:
        value = (self.facts or {}).get(FACT_OF_FEATURE[feature])
        return value if isinstance(value, bool) else None

    def _is_on(self, feature: str) -> bool | None:
        """Return whether a feature is switched on, or None if GitHub does not say."""
        if (value := self._in_facts(feature)) is not None:
            return value
        if self._from_rest is None:
            try:
                self._from_rest = fetch_features(self.client, self.scope.name, int(self.scope.external_id))
            except ENDS_RUN:
                raise
            except (RetryLater, *ISOLATED) as error:
                logger.info("cannot read which features are switched on scope=%s: %s", self.scope.name, error)
                self._from_rest = {}
        return self._from_rest.get(feature)
