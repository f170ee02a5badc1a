"""Collects one repository: selects the streams to read, reads them in order, and saves their fingerprints.

A stream that fails does not stop other streams. The failure is recorded as a skip, and the next run retries the stream.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.collectors.progress import Progress
from core.errors import NotFound, RetryLater, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.runs import last_was_cut_off
from github_activity_tracker.collector.change_detection import (
    FINGERPRINTS,
    Reading,
    changed_streams,
    readings_to_save,
    stalest_first,
)
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, Failure, Features, Outage
from github_activity_tracker.collector.reconcile import reconcile, remember_start
from github_activity_tracker.collector.retry import items_to_retry, retry_skipped
from github_activity_tracker.collector.run import CollectOptions, Run
from github_activity_tracker.collector.streams import COMMENT_STATES, COMMITS, STREAMS, expect_authors, find_authors
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.pages import COLLECTOR, load_state, save_state
from github_activity_tracker.store.reconcile import count_comments

logger = logging.getLogger(__name__)
FACTS = "facts"
DUE = "reconcile_due"
"""Name of the state that is set when a run has read a stream, and cleared by the next comparison of totals."""


@dataclass(kw_only=True)
class RepositoryRun:
    """Collects one repository. The caller must hold its lock.

    ``facts`` is None if GraphQL returned no facts. ``node_id`` is empty if no response contained it. ``failures`` has
    the streams and steps that failed. ``complete`` has the streams that this run has read to their end.
    """

    client: GitHubClient
    options: CollectOptions
    scope: Scope
    facts: Mapping[str, Any] | None
    node_id: str
    probed_at: datetime
    """Time at which the facts were requested, according to GitHub's clock."""
    readings: Mapping[str, Reading]
    sampled: bool
    """Whether this run reads the review comments although nothing changed."""
    progress: Progress
    outage: Outage
    graphql_limit: RetryLater | None = None
    """The rate limit that ended the probe, or None."""
    limit: RetryLater | None = None
    """The rate limit that ended a stream or another step, or None."""
    counts: Counter[str] = field(default_factory=Counter[str])
    failures: dict[str, Failure] = field(default_factory=dict[str, Failure])
    complete: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.features = Features(client=self.client, scope=self.scope, facts=self.facts)
        self.small_steps = last_was_cut_off(COLLECTOR)
        self.continued = False

    def collect(self) -> None:
        """Read the streams that changed, retry skipped items, and compare totals.

        The results are in ``counts``, ``complete``, ``failures`` and ``limit``. Raises only the errors in
        ``failures.ENDS_RUN``.
        """
        requested = self._requested()
        streams = self._streams_to_read(requested)
        if FACTS not in self.failures:
            clear_skips(collector=COLLECTOR, scope=self.scope.external_id, stream=FACTS, external_id=FACTS)
        self._step("start", lambda: remember_start(self._run()))
        self.continued = self._reconciliation_is_due()
        skipped = items_to_retry(self._run(), git_only=self.options.git_only)
        for stream in stalest_first(streams, self.readings):
            if self._collect_or_skip(stream):
                if not self.complete and self.facts is not None:
                    save_state(int(self.scope.external_id), DUE, GitHubState(extras={"due": True}))
                if stream == COMMITS:
                    expect_authors(int(self.scope.external_id))
                self.complete.append(stream)
                # Save after each stream, so that a short next run starts with other streams.
                self._step("changes", self._save_readings)
        if self.limit is None:
            self._step("retries", lambda: retry_skipped(self._run(), skipped))
        if self.facts is not None and not self.options.git_only:
            facts = self.facts
            if self.limit is None and COMMITS in requested:
                self._step("authors", lambda: find_authors(self._run()))
            due = bool(streams) or self._reconciliation_is_due()
            if self.limit is None:
                self._step("reconciliation", lambda: self._reconcile(facts, requested, changed=due))
        if self.limit is None and not self.failures and set(requested) == set(STREAMS):
            Scope.objects.filter(pk=self.scope.pk).update(last_completed_at=timezone.now(), not_before=None)

    @property
    def read_nothing(self) -> bool:
        """Whether this run stored nothing because all its streams failed, and no earlier run has completed a stream."""
        return (
            bool(self.failures)
            and not self.complete
            and not any(self.counts.values())
            and set(self._streams_to_read(self._requested())) <= self.failures.keys()
            and not self.readings
        )

    def skip(self, name: str, failure: Failure) -> None:
        """Record that a stream or another step failed. The next run retries it."""
        self.failures[name] = failure
        record_skip(
            collector=COLLECTOR, scope=self.scope.external_id, stream=name, external_id=name, reason=failure.reason,
            detail=failure.detail,
        )  # fmt: skip

    def _step(self, name: str, act: Callable[[], None]) -> bool:
        """Run a step that is not a stream. Return whether it succeeded. A failure does not stop other steps."""
        try:
            act()
        except ENDS_RUN:
            raise
        except RetryLater as error:
            self.limit = error
            return False
        except ISOLATED as error:
            self.skip(name, Failure.of(error, where=f"{name} of {self.scope.name}"))
            self.outage.note_failure(error)
            return False
        clear_skips(collector=COLLECTOR, scope=self.scope.external_id, stream=name, external_id=name)
        return True

    def _reconciliation_is_due(self) -> bool:
        return bool(load_state(int(self.scope.external_id), DUE).extras)

    def _reconcile(self, facts: Mapping[str, Any], requested: list[str], *, changed: bool) -> None:
        """Compare the requested streams that have been read completely and are not switched off."""
        streams = {stream for stream in requested if stream in self.complete or stream in self.readings}
        reconcile(
            self._run(), facts, everything=self.options.reconcile, changed=changed, streams=streams,
            off=self.features.switched_off(),
        )  # fmt: skip
        if changed:
            save_state(int(self.scope.external_id), DUE, GitHubState())

    def _requested(self) -> list[str]:
        """Return the streams that the options name, or by default all streams, in the order of ``STREAMS``."""
        requested = (COMMITS,) if self.options.git_only else self.options.streams or STREAMS
        return [name for name in STREAMS if name in requested]

    def _streams_to_read(self, requested: list[str]) -> list[str]:
        """Return the requested streams that this run reads: those that may have changed, or all of them."""
        if self.facts is None or self.options.full:
            return requested
        streams = changed_streams(requested, self.facts, self.readings, self.probed_at)
        if not settings.GITHUB_GIT_URL.startswith("http") and COMMITS in requested and COMMITS not in streams:
            streams.append(COMMITS)  # the facts do not describe another git server; reading from it costs no request
        if COMMENT_STATES in self.options.streams and COMMENT_STATES not in streams:
            streams.append(COMMENT_STATES)  # if requested by name, read unknown states even if nothing changed
        if self.options.reconcile:
            more = ("commit_comments", COMMENT_STATES)
            streams += [stream for stream in more if stream in requested and stream not in streams]
        if "review_comments" in requested and "review_comments" not in streams and (streams or self.sampled):
            streams.append("review_comments")
        return [stream for stream in STREAMS if stream in streams]

    def _collect_or_skip(self, stream: str) -> bool:
        """Read a stream. Return whether it is complete. An error other than a rate limit is recorded as a skip."""
        try:
            self._collect(stream)
        except ENDS_RUN:
            raise
        except RetryLater as error:  # the other streams may use another budget
            self.limit = error
            return False
        except ISOLATED as error:
            if not (isinstance(error, NotFound) and self.features.explain(STREAMS[stream].feature, stream, error)):
                self.skip(stream, Failure.of(error, where=f"{stream} of {self.scope.name}"))
                self.outage.note_failure(error)
                return False
        self.outage.note_answer()
        clear_skips(collector=COLLECTOR, scope=self.scope.external_id, stream=stream, external_id=stream)
        logger.info("stream read scope=%s stream=%s seen=%s", self.scope.name, stream, self.counts[stream])
        return True

    def _collect(self, stream: str) -> None:
        """Read a stream. Raises an error if the stream needs GraphQL and GraphQL cannot be used."""
        run, spec = self._run(), STREAMS[stream]
        self.progress.expect(self.scope.name, stream, self._expected(stream))
        if spec.uses_graphql:
            self._require_graphql()
        spec.collect(run)

    def _require_graphql(self) -> None:
        if not self.client.tokens.has_tokens:
            raise NotFound("GitHub returns this data only with a token; set GITHUB_TOKENS", reason="needs_token")
        if self.facts is None and self.graphql_limit is not None:
            raise self.graphql_limit
        if (error := self.outage.graphql_error()) is not None:
            raise error
        if not self.node_id:
            raise UnexpectedAnswer("GitHub did not return the repository's node id; the next run tries again")

    def _expected(self, stream: str) -> int | None:
        """Return the expected number of items in the first read of a stream, or None for later reads or if unknown."""
        if self.facts is None or load_state(int(self.scope.external_id), stream).checkpoint_token:
            return None
        if stream == "issue_comments":
            return count_comments(int(self.scope.external_id)) or None
        parts = STREAMS[stream].facts if STREAMS[stream].counted else ()
        return sum((self.facts.get(part) or {}).get("totalCount", 0) for part in parts) or None

    def _run(self) -> Run:
        limited = self.facts is None and self.graphql_limit is not None
        use_graphql = self.client.tokens.has_tokens and not limited and self.outage.graphql_error() is None
        return Run(
            client=self.client,
            scope=self.scope,
            node_id=self.node_id if use_graphql else "",
            facts=self.facts,
            probed_at=self.probed_at,
            options=self.options,
            counts=self.counts,
            progress=self.progress,
            small_steps=self.small_steps,
            continued=self.continued,
        )

    def _save_readings(self) -> None:
        """Save the fingerprints of complete streams.

        The streams of a switched-off feature are omitted if their facts will not change when the feature is enabled.
        """
        if self.facts is None or self.options.git_only:
            return
        facts = self.facts
        complete = [name for name in self.complete if self.features.shows_all(STREAMS[name].feature, facts)]
        readings = {stream: reading for stream, reading in self.readings.items() if stream not in self.complete}
        state = readings_to_save(complete, facts, readings, self.probed_at)
        save_state(int(self.scope.external_id), FINGERPRINTS, state)
