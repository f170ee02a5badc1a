"""Defines the streams of a repository: how each stream is fetched, converted and stored.

To add a stream, add an entry to ``STREAMS``.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone

from core.errors import ConfigurationError, SourceTimeout, SourceUnavailable
from core.ingest.prefetch import prefetch, prefetch_batches
from core.ingest.records import Page, PageResult, join_pages
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.collector.run import Run, Shortfalls
from github_activity_tracker.collector.states import COMMENT_STATES, collect_states
from github_activity_tracker.convert.commits import convert_commits
from github_activity_tracker.convert.discussions import DiscussionPage, convert_discussions
from github_activity_tracker.convert.issues import (
    convert_commit_comments,
    convert_issue_comments,
    convert_issues,
    convert_review_comments,
)
from github_activity_tracker.convert.planning import (
    convert_labels,
    convert_milestones,
    convert_releases,
    milestone_creators,
)
from github_activity_tracker.convert.threads import ThreadPage, convert_threads
from github_activity_tracker.fetch.commits import LocalHistory, fetch_authors
from github_activity_tracker.fetch.etag_lists import (
    WholeList,
    commit_comment_pages,
    is_walk_unfinished,
    restart_walk,
    whole_list_pages,
)
from github_activity_tracker.fetch.reconcile import find_absent_nodes
from github_activity_tracker.fetch.rest import ListPage, issue_comment_pages, issue_pages, review_comment_pages
from github_activity_tracker.fetch.threads import thread_pages
from github_activity_tracker.models import CommitComment, Issue, IssueComment, Label, Milestone, ReviewComment
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.commits import (
    close_plan,
    known_refs,
    open_plan,
    record_missing_refs,
    store_authors,
    store_commits,
    unknown_authors,
)
from github_activity_tracker.store.gaps import UNSERVED
from github_activity_tracker.store.pages import load_state, save_state, store_page
from github_activity_tracker.store.planning import store_releases, store_rows
from github_activity_tracker.store.reconcile import delete_commit_comments, live_commit_comments
from github_activity_tracker.store.threads import store_discussions, store_reactions, store_threads

logger = logging.getLogger(__name__)
PAGES_WAITING = 6
"""Maximum number of converted pages that wait for the database.

Pages are fetched and converted while earlier pages are stored. More waiting pages need more memory.
"""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""A time before every item on GitHub. A list with this ``since`` includes all items."""
AUTHORS = "authors"
"""Name of the state that is set while email addresses of commit authors must still be looked up."""
MOST_AUTHORS = 500
"""Maximum number of commit author addresses that a run looks up, in five requests. Later runs look up the rest."""
COMMITS, DISCUSSIONS = "commits", "discussions"
WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class StreamSpec:
    """A stream of a repository.

    ``facts`` names the parts of the repository's facts that change when the stream changes.
    """

    name: str
    facts: tuple[str, ...]
    feature: str = ""
    """Feature of the repository that the stream belongs to: ``issues``, ``pulls``, ``discussions`` or empty.

    GitHub hides the stream while the feature is switched off.
    """
    read_every: timedelta = timedelta.max
    """Time after which the stream is read again even if its facts did not change. Some edits change no fact."""
    counted: bool = False
    """Whether the totals in ``facts`` count the items of the stream."""
    uses_graphql: ClassVar[bool] = False
    """Whether the stream is read over GraphQL, which requires a token."""

    def collect(self, run: Run) -> None:
        """Read the stream from its checkpoint to its end. Store each page together with its checkpoint."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ListSpec(StreamSpec):
    """A REST list that covers the whole repository."""

    source: Callable[[GitHubClient, str, IncrementalState, datetime | None], Iterator[ListPage]]
    convert: Callable[[Sequence[Any], int], Page]
    model: type[models.Model]

    def collect(self, run: Run) -> None:
        """Read the list. If the first page of a first run fails, read it with a ``since`` that includes all items.

        For some repositories, GitHub failed for months to return a list without ``since``, but returned it with
        ``since``.
        """
        seen, since = run.counts[self.name], run.options.since
        try:
            self.read(run, run.start(self.name), since)
        except (SourceUnavailable, SourceTimeout):
            first = since is None and not run.start(self.name).checkpoint_token and run.counts[self.name] == seen
            if not first:
                raise
            logger.info("first page failed; requesting it with 'since' scope=%s stream=%s", run.scope.name, self.name)
            self.read(run, run.start(self.name), BEGINNING)

    def read(self, run: Run, start: IncrementalState, since: datetime | None) -> None:
        """Read the list from ``start`` to its end."""
        pages = self.source(run.client, run.scope.name, start, since)
        converted = ((self.convert(page.items, run.repository_id), page.state, page.unreachable) for page in pages)
        for batch in prefetch_batches(converted, waiting=PAGES_WAITING):
            for instant in filter(None, (unreachable for _, _, unreachable in batch)):
                detail = f"GitHub returns only some of the items that changed at {instant}"
                run.skip(self.name, f"{self.name}{UNSERVED}{instant}", "incomplete", detail)
            self._store(run, [(page, state) for page, state, _ in batch])

    def _store(self, run: Run, batch: Sequence[tuple[Page, IncrementalState]]) -> None:
        """Store pages in one write. If pages cannot be joined or PostgreSQL refuses one, store each page separately."""
        whole = join_pages(page for page, _ in batch)
        together = [(whole, batch[-1][1])] if whole else batch
        try:
            for page, state in together:
                stored = store_page(self.model, page, scope=run.scope, stream=self.name, state=state)
                run.count(self.name, stored, pages=len(batch) if whole else 1)
        except (DataError, IntegrityError):
            if len(batch) == len(together):
                raise
            for page_and_state in batch:
                self._store(run, [page_and_state])


class CommitCommentSpec(ListSpec):
    """Comments on commits. The list has no ``since`` and no order, so the repository's total decides what is read.

    - The total is 0 and no comment is stored: nothing is read.
    - Fewer comments are stored than the total: the list is read from the last known page. If comments are still
      missing, the whole list is read.
    - Otherwise, or if the total is unknown: the whole list is read to find edits. Without changes this happens once a
      week and with ``--reconcile``.

    If more comments are then stored than the total, they are requested by id to find the deleted comments.
    """

    def collect(self, run: Run) -> None:
        """Read the new comments or the whole list, then mark deleted comments."""
        total = ((run.facts or {}).get("commitComments") or {}).get("totalCount")
        stored = len(live_commit_comments(run.repository_id))
        if total == 0 and not stored:
            return
        state = run.start(self.name)
        whole = total is None or stored >= total or is_walk_unfinished(state)
        if whole and not is_walk_unfinished(state):
            state = restart_walk(state)
        self.read(run, state, run.options.since)
        if total is None:
            return
        if not whole and len(live_commit_comments(run.repository_id)) < total:
            self.read(run, restart_walk(load_state(run.repository_id, self.name)), run.options.since)
        ids = live_commit_comments(run.repository_id)
        if len(ids) > total:
            gone = find_absent_nodes(run.client, list(ids), run.scope.name)
            deleted = delete_commit_comments(run.scope, [ids[node_id] for node_id in gone], timezone.now())
            run.counts[f"{self.name}_deleted"] += deleted


@dataclass(frozen=True, kw_only=True)
class WholeListSpec(StreamSpec):
    """A short REST list. It is read completely, or not at all if its ETags show that nothing changed.

    ``store`` converts and stores the items.
    """

    store: Callable[[Run, str, WholeList, datetime], PageResult]

    def collect(self, run: Run) -> None:
        """Read and store the list."""
        for page in whole_list_pages(run.client, self.name, run.scope.name, run.start(self.name)):
            run.count(self.name, self.store(run, self.name, page, timezone.now()))


def _store_releases(run: Run, stream: str, page: WholeList, now: datetime) -> PageResult:
    converted = convert_releases(page.items, run.repository_id)
    return store_releases(converted, scope=run.scope, stream=stream, state=page.state, now=now, whole=page.whole)


def _store_labels(run: Run, stream: str, page: WholeList, now: datetime) -> PageResult:
    rows, malformed = convert_labels(page.items, run.repository_id)
    return store_rows(
        Label, rows, malformed, [], scope=run.scope, stream=stream, state=page.state, now=now, whole=page.whole
    )


def _store_milestones(run: Run, stream: str, page: WholeList, now: datetime) -> PageResult:
    rows, malformed = convert_milestones(page.items, run.repository_id)
    creators = list(milestone_creators(page.items))
    return store_rows(
        Milestone, rows, malformed, creators,
        scope=run.scope, stream=stream, state=page.state, now=now, whole=page.whole,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ThreadSpec(StreamSpec):
    """Issues, pull requests or discussions over GraphQL, with their nested comments, reviews and events."""

    convert: Callable[[Sequence[Any], int], Any]
    store: Callable[[Run, str, Any, IncrementalState | None], None]
    """Function that stores converted items. Its last argument is the checkpoint, or None for items requested by id."""
    uses_graphql: ClassVar[bool] = True

    def collect(self, run: Run) -> None:
        """Read the list in the order of changes. Record the items that GitHub refuses or returns incompletely."""
        if self.name == DISCUSSIONS and run.facts is not None and not run.facts.get("hasDiscussionsEnabled"):
            return
        shortfalls = Shortfalls(run, self.name)
        pages = thread_pages(
            run.client, self.name, run.node_id, run.scope.name, run.start(self.name), shortfalls.known_lists(),
            small_steps=run.small_steps,
        )  # fmt: skip
        converted = ((self.convert(page.items, run.repository_id), page) for page in pages)
        for content, page in prefetch(converted, waiting=PAGES_WAITING):
            if page.reactions:
                store_reactions(page.reactions, scope=run.scope, stream=self.name, state=page.state)
                continue
            with transaction.atomic():
                run.skip_refused(self.name, page.refused)
                for denied in page.denied:
                    external_id = f"{self.name}:{denied.external_id}"
                    run.skip(self.name, external_id, denied.reason, denied.detail, {"after": denied.after})
                self.store(run, self.name, content, page.state)
                shortfalls.record(page.items)


def _store_threads(run: Run, stream: str, page: ThreadPage, state: IncrementalState | None) -> None:
    now = timezone.now()
    for name, stored in store_threads(page, scope=run.scope, stream=stream, state=state, now=now).items():
        run.count(name, stored, pages=int(name == stream))


def _store_discussions(run: Run, stream: str, page: DiscussionPage, state: IncrementalState | None) -> None:
    stored = store_discussions(page, scope=run.scope, stream=stream, state=state, now=timezone.now())
    run.count(stream, stored)


class CommitSpec(StreamSpec):
    """Commits, read from a local clone of the repository."""

    def collect(self, run: Run) -> None:
        """Update the local clone, and store the new commits that are reachable from branches and tags.

        Raises ConfigurationError if git is not installed or WORKSPACE_DIR is not a writable folder.
        """
        try:
            history = LocalHistory(run.scope.name, run.repository_id)
            if history.update(run.client, git_only=run.options.git_only):
                self._read(run, history)
        except (FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError) as error:
            raise ConfigurationError("git must be installed, and WORKSPACE_DIR must be a writable folder") from error

    def _read(self, run: Run, history: LocalHistory) -> None:
        refs, full = _refs(run, history), run.options.full
        while True:
            plan = open_plan(run.repository_id, refs, full=full)
            pages = (
                (convert_commits(page.commits, run.repository_id, run.scope.url), page.done)
                for page in history.pages(plan)
            )
            for page, done in prefetch(pages, waiting=PAGES_WAITING):
                run.count(self.name, store_commits(page, scope=run.scope, done=done))
            changes = history.changes(known_refs(run.repository_id), plan.refs)
            run.counts[f"{self.name}_deleted"] += close_plan(run.scope, plan, changes, timezone.now())
            if plan.refs == refs:  # otherwise an earlier run made the plan, and the next plan has the newer commits
                return
            full = False


def _refs(run: Run, history: LocalHistory) -> dict[str, str]:
    """Return the commit of each branch and tag, by full name.

    A ref that points to a missing object is recorded as a skip, and keeps its last known commit if there is one.
    """
    refs, known = history.refs(), known_refs(run.repository_id)
    record_missing_refs(run.scope, refs.missing)
    return {**{name: known[name] for name in refs.missing if name in known}, **refs.commits}


def expect_authors(repository_id: int) -> None:
    """Save that commits were read, so that a later run looks up their authors if this run is interrupted."""
    save_state(repository_id, AUTHORS, GitHubState(extras={"more": True}))


def find_authors(run: Run) -> None:
    """Look up the accounts of new author email addresses.

    A no-reply address contains the account. Each other address is looked up once. This function sends no request if no
    commits were read since the last complete lookup.
    """
    if not load_state(run.repository_id, AUTHORS).extras:
        return
    unknown = unknown_authors(run.repository_id, MOST_AUTHORS)
    for accounts in fetch_authors(run.client, run.node_id, unknown, run.scope.name):
        run.counts["authors"] += len(accounts)
        run.counts["authors_found"] += sum(user is not None for user in accounts.values())
        run.counts["commits_claimed"] += store_authors(run.scope, accounts, timezone.now())
        run.client.share_budgets()
    if len(unknown) < MOST_AUTHORS:
        save_state(run.repository_id, AUTHORS, GitHubState())


class CommentStateSpec(StreamSpec):
    """The stream of comment states: whether comments are hidden and review threads are resolved. See ``states.py``."""

    uses_graphql: ClassVar[bool] = True

    def collect(self, run: Run) -> None:
        """Read the states that the options request."""
        collect_states(run)


ISSUES_AND_PULLS = ("issues", "pullRequests")
LISTS = {
    spec.name: spec
    for spec in (
        ListSpec(
            name="issues", counted=True, facts=ISSUES_AND_PULLS, feature="issues",
            source=issue_pages, convert=convert_issues, model=Issue,
        ),
        ListSpec(
            name="issue_comments", facts=ISSUES_AND_PULLS, feature="issues",
            source=issue_comment_pages, convert=convert_issue_comments, model=IssueComment,
        ),
        ListSpec(
            name="review_comments", facts=("pullRequests",), feature="pulls", read_every=timedelta(hours=20),
            source=review_comment_pages, convert=convert_review_comments, model=ReviewComment,
        ),
        CommitCommentSpec(
            name="commit_comments", facts=("commitComments",), read_every=WEEK,
            source=commit_comment_pages, convert=convert_commit_comments, model=CommitComment,
        ),
    )
}  # fmt: skip
THREADS = {
    spec.name: spec
    for spec in (
        ThreadSpec(
            name="pulls", counted=True, facts=("pullRequests",), feature="pulls",
            convert=partial(convert_threads, kind="pull_request"), store=_store_threads,
        ),
        ThreadSpec(
            name="issue_timelines", counted=True, facts=("issues",), feature="issues",
            convert=partial(convert_threads, kind="issue"), store=_store_threads,
        ),
        ThreadSpec(
            name=DISCUSSIONS, counted=True, facts=("discussions",), feature="discussions",
            convert=convert_discussions, store=_store_discussions,
        ),
    )
}  # fmt: skip
STREAMS: dict[str, StreamSpec] = {
    spec.name: spec
    for spec in (
        WholeListSpec(name="labels", facts=("labels",), feature="issues", read_every=WEEK, store=_store_labels),
        WholeListSpec(
            name="milestones", facts=("milestones",), feature="issues", read_every=WEEK, store=_store_milestones
        ),
        WholeListSpec(name="releases", facts=("releases",), read_every=WEEK, store=_store_releases),
        *LISTS.values(),
        CommitSpec(name=COMMITS, facts=("pushedAt", "heads", "tags", "defaultBranchRef")),
        *THREADS.values(),
        CommentStateSpec(name=COMMENT_STATES, facts=(*ISSUES_AND_PULLS, "commitComments")),
    )
}
"""All streams. A first run reads them in this order: streams that cost no GraphQL points come first."""
