"""Notices when GitHub as a whole does not answer, so that a run does not wait for every stream by itself."""

import logging

from core.errors import CollectorError, SliceRefused, SourceTimeout, SourceUnavailable
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import fetch
from github_activity_tracker.collector.failures import Unreachable

logger = logging.getLogger(__name__)
FAILURES_IN_A_ROW = 3
"""Streams or repositories that were unavailable one after the other before GitHub itself is looked at."""
HURRIED_ATTEMPTS = 2
"""Attempts of a request while the last thing that was asked for was unavailable."""


class Outage:
    """Counts what was unavailable in a row, over all streams and repositories of a run."""

    def __init__(self, client: GitHubClient) -> None:
        self._client, self._attempts, self._failures = client, client.transport.attempts, 0
        self._graphql: CollectorError | None = None

    def note_answer(self) -> None:
        """Take note that GitHub answered."""
        self._failures = 0
        self._client.transport.attempts = self._attempts

    def note_failure(self, error: Exception) -> None:
        """Take note of an error. Raises ``Unreachable`` when several came in a row and GitHub answers nothing at all.

        While things are unavailable, each of them is requested a few times only.
        """
        if not isinstance(error, (SourceUnavailable, SourceTimeout)):
            self.note_answer()
            return
        self._failures += 1
        self._client.transport.attempts = min(self._attempts, HURRIED_ATTEMPTS)
        if isinstance(error, SliceRefused) and self._graphql is None and not fetch.graphql_works(self._client):
            self._graphql = error
        if self._failures >= FAILURES_IN_A_ROW and not fetch.is_reachable(self._client):
            raise Unreachable(f"{error}; nothing else was requested") from error

    def note_graphql(self, error: CollectorError) -> None:
        """Take note that GraphQL as a whole does not answer."""
        self._graphql = error

    def graphql_error(self) -> CollectorError | None:
        """Return why GraphQL is not asked at present."""
        return self._graphql

    def look_again(self) -> bool:
        """Return whether GraphQL, which did not answer before, does now; one request, and none when it did."""
        if self._graphql is not None and fetch.graphql_works(self._client):
            logger.info("GraphQL answers again")
            self._graphql = None
        return self._graphql is None
