"""One repository: which streams are read, in which order, and what is remembered of it."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.collectors.progress import Progress
from core.errors import AccessDenied, NotFound, RetryLater
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.runs import clear_skips, record_skip
from github_activity_tracker import fetch, store
from github_activity_tracker.collector import streams
from github_activity_tracker.collector.authors import find_authors
from github_activity_tracker.collector.commit_comments import collect_commit_comments
from github_activity_tracker.collector.options import CollectOptions, Target
from github_activity_tracker.collector.quiet import PARTS, QUIET, Reading, loud, readings_to_save
from github_activity_tracker.collector.reconcile import reconcile
from github_activity_tracker.collector.retry import retry_skipped
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

logger = logging.getLogger(__name__)
COLLECTOR = "github"


@dataclass(kw_only=True)
class RepositoryRun:
    """Collects one repository whose lock is held. ``facts`` is None where GraphQL cannot be asked."""

    client: GitHubClient
    options: CollectOptions
    target: Target
    scope: Scope
    facts: Mapping[str, Any] | None
    told_at: datetime
    known: Mapping[str, Reading]
    spare: bool
    progress: Progress
    limit: RetryLater | None = None
    """Why GraphQL cannot be asked now."""
    counts: Counter[str] = field(default_factory=Counter[str])
    skipped: list[str] = field(default_factory=list[str])

    def collect(self) -> None:
        """Read what must be read; ``counts`` and ``skipped`` say what came of it."""
        asked = self._asked()
        wanted = self._wanted(asked)
        if not self.options.git_only:
            retry_skipped(self._run())
        done = [stream for stream in wanted if self._collect_apart(stream)]
        if self.facts is not None and not self.options.git_only:
            if self.limit is None and COMMITS in asked:
                self._find_authors(read=COMMITS in done)
            if self.limit is None:
                reconcile(self._run(), self.facts, everything=self.options.reconcile, changed=bool(wanted))
            self._remember(done)
        if self.limit is not None:
            raise self.limit
        if not self.skipped and set(asked) == set(streams.STREAMS):
            Scope.objects.filter(pk=self.scope.pk).update(last_completed_at=timezone.now(), not_before=None)

    def _find_authors(self, *, read: bool) -> None:
        """Ask whose commits they are; a limit keeps nothing else from being remembered."""
        try:
            find_authors(self._run(), read=read)
        except RetryLater as error:
            self.limit = error

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
        """Read a stream; one that GitHub does not show, or not to us, becomes a counted skip."""
        scope = self.scope.external_id
        try:
            self._collect(stream)
        except (NotFound, AccessDenied) as error:
            self.skipped.append(f"{stream} ({error.reason})")
            record_skip(
                collector=COLLECTOR, scope=scope, stream=stream, external_id=stream, reason=error.reason,
                detail=str(error),
            )  # fmt: skip
            return False
        except RetryLater as error:  # another kind of quota may be left for the other streams
            self.limit = error
            return False
        clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=stream)
        logger.info("stream read scope=%s stream=%s seen=%s", self.scope.name, stream, self.counts[stream])
        return True

    def _collect(self, stream: str) -> None:
        run = self._run()
        self.progress.expect(self.scope.name, stream, self._expected(stream))
        if stream in NEED_TOKEN and self.facts is None:
            if self.limit is not None:
                raise self.limit
            raise NotFound("GitHub tells this only to those who have a token: set GITHUB_TOKENS", reason="needs_token")
        if stream == COMMIT_COMMENTS:
            collect_commit_comments(run, self.facts)
        elif stream == STATES:
            self._collect_states(run)
        elif stream in LISTS:
            streams.collect_list(run, stream)
        elif stream in SMALL_LISTS:
            streams.collect_small_list(run, stream)
        elif stream in THREADS:
            streams.collect_threads(run, stream)
        elif stream == DISCUSSIONS:
            if self.facts and self.facts.get("hasDiscussionsEnabled"):
                streams.collect_discussions(run)
        else:
            self._collect_commits(run)

    def _collect_states(self, run: streams.Run) -> None:
        reach = Reach.KNOWN if self.options.reconcile else Reach.UNKNOWN if self.options.streams else Reach.CHANGED
        collect_states(run, reach, self.told_at)

    def _collect_commits(self, run: streams.Run) -> None:
        history = fetch.LocalHistory(self.scope.name, run.repository_id, self.client.tokens.git_value())
        if history.update(None if self.options.git_only else self.client, self.scope.name):
            streams.collect_commits(run, history)

    def _expected(self, stream: str) -> int | None:
        """How many items a first reading will see; nobody knows how many of a later one."""
        if self.facts is None or store.load_state(int(self.scope.external_id), stream).checkpoint_token:
            return None
        if stream == "issue_comments":
            return store.comments_told(int(self.scope.external_id)) or None
        parts = PARTS[stream] if stream in {"issues", "pulls", "issue_timelines", "discussions"} else ()
        return sum(self.facts[part]["totalCount"] for part in parts) or None

    def _run(self) -> streams.Run:
        return streams.Run(
            client=self.client,
            scope=self.scope,
            node_id=str(self.facts["id"]) if self.facts else "",
            since=self.options.since,
            full=self.options.full,
            counts=self.counts,
            progress=self.progress,
        )

    def _remember(self, done: list[str]) -> None:
        """Save the signs of what was read to its end."""
        assert self.facts is not None  # noqa: S101  (the caller looked)
        state = readings_to_save(done, self.facts, self.known, self.told_at)
        store.save_state(int(self.scope.external_id), QUIET, state)
