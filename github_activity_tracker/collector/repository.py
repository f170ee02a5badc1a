"""One repository: which streams are read, in which order, and what is remembered of it.

A stream that fails costs itself alone: it is a typed, counted skip, the others are read, and the next run tries again.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.collectors.progress import Progress
from core.errors import ConfigurationError, NotFound, RetryLater, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.runs import last_was_cut_off
from github_activity_tracker import fetch, store
from github_activity_tracker.collector import streams
from github_activity_tracker.collector.authors import expect_authors, find_authors
from github_activity_tracker.collector.change_detection import PARTS, QUIET, Reading, in_turn, loud, readings_to_save
from github_activity_tracker.collector.commit_comments import collect_commit_comments
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, Failure
from github_activity_tracker.collector.options import CollectOptions, Target
from github_activity_tracker.collector.outage import Outage
from github_activity_tracker.collector.reconcile import reconcile, remember_start
from github_activity_tracker.collector.retry import items_to_retry, retry_skipped
from github_activity_tracker.collector.states import Reach, collect_states
from github_activity_tracker.collector.streams import (
    COMMIT_COMMENTS,
    COMMITS,
    DISCUSSIONS,
    LISTS,
    NEED_TOKEN,
    SMALL_LISTS,
    STATES,
    THREADS,
)
from github_activity_tracker.collector.switches import Switches
from github_activity_tracker.protocol_impl import GitHubState

logger = logging.getLogger(__name__)
COLLECTOR = "github"
FACTS = "facts"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Older than anything at GitHub: ``since`` with this time leaves nothing out of a list."""
DUE = "reconcile_due"
"""Name of the state that says that a run has read something and has not compared totals since."""


@dataclass(kw_only=True)
class RepositoryRun:
    """Collects one repository whose lock is held.

    ``facts`` is None where GraphQL did not tell them; ``node_id`` is empty where nothing did. ``failures`` has what
    could not be read, by stream; ``complete`` the streams that this run read to their end.
    """

    client: GitHubClient
    options: CollectOptions
    target: Target
    scope: Scope
    facts: Mapping[str, Any] | None
    node_id: str
    told_at: datetime
    known: Mapping[str, Reading]
    spare: bool
    progress: Progress
    outage: Outage
    graphql_limit: RetryLater | None = None
    """A limit because of which GraphQL cannot be asked now."""
    limit: RetryLater | None = None
    """A limit that ended a stream."""
    counts: Counter[str] = field(default_factory=Counter[str])
    failures: dict[str, Failure] = field(default_factory=dict[str, Failure])
    complete: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.switches = Switches(client=self.client, scope=self.scope, facts=self.facts)
        self.small_steps = last_was_cut_off(COLLECTOR)
        self.continued = False
        """Whether the run before this one did not come to its end."""

    def collect(self) -> None:
        """Read what must be read; ``counts`` and ``failures`` say what came of it.

        Raises only what no stream can escape: see ``failures.ENDS_RUN``.
        """
        asked = self._asked()
        wanted = self._wanted(asked)
        if FACTS not in self.failures:
            clear_skips(collector=COLLECTOR, scope=self.scope.external_id, stream=FACTS, external_id=FACTS)
        self._step("start", lambda: remember_start(self._run()))
        self.continued = bool(store.load_state(int(self.scope.external_id), DUE).extras)
        waiting = items_to_retry(self._run(), git_only=self.options.git_only)
        for stream in in_turn(wanted, self.known):
            if self._collect_apart(stream):
                if not self.complete and self.facts is not None:
                    store.save_state(int(self.scope.external_id), DUE, GitHubState(extras={"due": True}))
                if stream == COMMITS:
                    expect_authors(int(self.scope.external_id))
                self.complete.append(stream)
                self._step("changes", self._remember)  # at once: a run of few requests leaves its turn to other streams
        if self.limit is None:
            self._step("retries", lambda: retry_skipped(self._run(), waiting))
        if self.facts is not None and not self.options.git_only:
            facts = self.facts
            if self.limit is None and COMMITS in asked:
                self._step("authors", lambda: find_authors(self._run()))
            due = bool(wanted) or bool(store.load_state(int(self.scope.external_id), DUE).extras)
            if self.limit is None:
                self._step("reconciliation", lambda: self._reconcile(facts, asked, changed=due))
        if self.limit is None and not self.failures and set(asked) == set(streams.STREAMS):
            Scope.objects.filter(pk=self.scope.pk).update(last_completed_at=timezone.now(), not_before=None)

    @property
    def read_nothing(self) -> bool:
        """Whether nothing at all could be read of what was asked for."""
        return (
            bool(self.failures)
            and not self.complete
            and not any(self.counts.values())
            and set(self._wanted(self._asked())) <= self.failures.keys()
            and not self.known
        )

    def skip(self, name: str, failure: Failure) -> None:
        """Record that a stream, or a step beside the streams, could not be done; the next run tries again."""
        self.failures[name] = failure
        record_skip(
            collector=COLLECTOR, scope=self.scope.external_id, stream=name, external_id=name, reason=failure.reason,
            detail=failure.detail,
        )  # fmt: skip

    def _step(self, name: str, act: Callable[[], None]) -> bool:
        """Do something beside the streams and return whether it was done; a failure costs this step alone."""
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

    def _reconcile(self, facts: Mapping[str, Any], asked: list[str], *, changed: bool) -> None:
        """Compare what was asked for, has been read completely at least once, and is not switched off."""
        streams_read = {stream for stream in asked if stream in self.complete or stream in self.known}
        reconcile(
            self._run(), facts, everything=self.options.reconcile, changed=changed, streams=streams_read,
            off=self.switches.off(),
        )  # fmt: skip
        if changed:
            store.save_state(int(self.scope.external_id), DUE, GitHubState())

    def _asked(self) -> list[str]:
        """The streams that the options ask for, in the order in which they are read."""
        asked = (COMMITS,) if self.options.git_only else self.options.streams or streams.STREAMS
        return [name for name in streams.STREAMS if name in asked]

    def _wanted(self, asked: list[str]) -> list[str]:
        """Those of them that may have something new."""
        if self.facts is None or self.options.full:
            return asked
        wanted = loud(asked, self.facts, self.known, self.told_at)
        if not settings.GITHUB_GIT_URL.startswith("http") and COMMITS in asked and COMMITS not in wanted:
            wanted.append(COMMITS)  # the facts tell nothing of a clone elsewhere, and asking it costs nothing
        if STATES in self.options.streams and STATES not in wanted:
            wanted.append(STATES)  # named, it reads what is not known yet, also where nothing changed
        if self.options.reconcile:
            wanted += [stream for stream in (COMMIT_COMMENTS, STATES) if stream in asked and stream not in wanted]
        if "review_comments" in asked and "review_comments" not in wanted and (wanted or self.spare):
            wanted.append("review_comments")
        return [stream for stream in streams.STREAMS if stream in wanted]

    def _collect_apart(self, stream: str) -> bool:
        """Read a stream and return whether it is complete; an error becomes a counted skip of this stream alone."""
        try:
            self._collect(stream)
        except ENDS_RUN:
            raise
        except RetryLater as error:  # another kind of quota may be left for the other streams
            self.limit = error
            return False
        except ISOLATED as error:
            if not (isinstance(error, NotFound) and self.switches.explain(stream, error)):
                self.skip(stream, Failure.of(error, where=f"{stream} of {self.scope.name}"))
                self.outage.note_failure(error)
                return False
        self.outage.note_answer()
        clear_skips(collector=COLLECTOR, scope=self.scope.external_id, stream=stream, external_id=stream)
        logger.info("stream read scope=%s stream=%s seen=%s", self.scope.name, stream, self.counts[stream])
        return True

    def _collect(self, stream: str) -> None:
        run = self._run()
        self.progress.expect(self.scope.name, stream, self._expected(stream))
        if stream in NEED_TOKEN:
            self._need_graphql()
        if stream == COMMIT_COMMENTS:
            collect_commit_comments(run, self.facts)
        elif stream == STATES:
            self._collect_states(run)
        elif stream in LISTS:
            self._collect_list(run, stream)
        elif stream in SMALL_LISTS:
            streams.collect_small_list(run, stream)
        elif stream in THREADS:
            streams.collect_threads(run, stream)
        elif stream == DISCUSSIONS:
            if self.facts is None or self.facts.get("hasDiscussionsEnabled"):
                streams.collect_discussions(run)
        else:
            self._collect_commits(run)

    def _need_graphql(self) -> None:
        """Raise why GraphQL cannot be asked now, if it cannot."""
        if not self.client.tokens.has_tokens:
            raise NotFound("GitHub tells this only to those who have a token: set GITHUB_TOKENS", reason="needs_token")
        if self.facts is None and self.graphql_limit is not None:
            raise self.graphql_limit
        if (error := self.outage.graphql_error()) is not None:
            raise error
        if not self.node_id:
            raise UnexpectedAnswer("GitHub did not tell the repository's node id; the next run asks again")

    def _collect_list(self, run: streams.Run, stream: str) -> None:
        """Read a list; where GitHub cannot serve it from its beginning, ask with a time that leaves nothing out.

        Servers have failed on a whole list for months that they serve well with ``since``.
        """
        seen = self.counts[stream]
        try:
            streams.collect_list(run, stream)
        except (SourceUnavailable, SourceTimeout):
            bare = run.since is None and not run.start(stream).checkpoint_token and self.counts[stream] == seen
            if not bare:
                raise
            logger.info("list asked for again with a time scope=%s stream=%s", self.scope.name, stream)
            streams.collect_list(replace(run, since=BEGINNING), stream)

    def _collect_states(self, run: streams.Run) -> None:
        reach = Reach.KNOWN if self.options.reconcile else Reach.UNKNOWN if self.options.streams else Reach.CHANGED
        collect_states(run, reach, self.told_at, continued=self.continued)

    def _collect_commits(self, run: streams.Run) -> None:
        try:
            history = fetch.LocalHistory(self.scope.name, run.repository_id)
            if history.update(self.client, git_only=self.options.git_only):
                streams.collect_commits(run, history)
        except (FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError) as error:
            raise ConfigurationError("git is not installed, or WORKSPACE_DIR is not a folder to write in") from error

    def _expected(self, stream: str) -> int | None:
        """How many items a first reading will see; nobody knows how many of a later one."""
        if self.facts is None or store.load_state(int(self.scope.external_id), stream).checkpoint_token:
            return None
        if stream == "issue_comments":
            return store.comments_told(int(self.scope.external_id)) or None
        parts = PARTS[stream] if stream in {"issues", "pulls", "issue_timelines", "discussions"} else ()
        return sum((self.facts.get(part) or {}).get("totalCount", 0) for part in parts) or None

    @property
    def _may_ask_graphql(self) -> bool:
        limited = self.facts is None and self.graphql_limit is not None
        return self.client.tokens.has_tokens and not limited and self.outage.graphql_error() is None

    def _run(self) -> streams.Run:
        return streams.Run(
            client=self.client,
            scope=self.scope,
            node_id=self.node_id if self._may_ask_graphql else "",
            since=self.options.since,
            full=self.options.full,
            counts=self.counts,
            progress=self.progress,
            small_steps=self.small_steps,
        )

    def _remember(self) -> None:
        """Save the signs of what was read to its end; not of a stream that will only show when it is switched on."""
        if self.facts is None or self.options.git_only:
            return
        facts = self.facts
        done = [stream for stream in self.complete if self.switches.shows_all(stream, facts)]
        known = {stream: reading for stream, reading in self.known.items() if stream not in self.complete}
        state = readings_to_save(done, facts, known, self.told_at)
        store.save_state(int(self.scope.external_id), QUIET, state)
