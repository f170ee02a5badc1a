"""The streams of a repository: how each is fetched, what it becomes, where it is kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, models
from django.utils import timezone

from core.collectors.progress import Progress
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.models import Issue, IssueComment, Label, Milestone, ReviewComment
from github_activity_tracker.protocol_impl import GitHubState


@dataclass(frozen=True, kw_only=True, slots=True)
class ListStream:
    """A repository-wide REST list."""

    pages: Callable[[GitHubClient, str, IncrementalState, datetime | None], Iterator[fetch.ListPage]]
    convert: Callable[[Sequence[Any], int], convert.Page]
    model: type[models.Model]


LISTS = {
    "issues": ListStream(pages=fetch.issues, convert=convert.convert_issues, model=Issue),
    "issue_comments": ListStream(
        pages=fetch.issue_comments, convert=convert.convert_issue_comments, model=IssueComment
    ),
    "review_comments": ListStream(
        pages=fetch.review_comments, convert=convert.convert_review_comments, model=ReviewComment
    ),
}
SMALL_LISTS = ("labels", "milestones", "releases")
THREADS = {"pulls": "pull_request", "issue_timelines": "issue"}
DISCUSSIONS, COMMITS = "discussions", "commits"
NEED_TOKEN = (*THREADS, DISCUSSIONS)
"""Streams over GraphQL, which GitHub answers to nobody without a token."""
STREAMS = (*SMALL_LISTS, *LISTS, COMMITS, *THREADS, DISCUSSIONS)
"""In the order in which they are read: what needs no points comes first."""
PAGES_WAITING = 6
"""So many, converted, wait at most while as many are stored: source, converting and database work side by side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What the streams of one repository share. ``counts`` grows with every write, of which ``progress`` hears."""

    client: GitHubClient
    scope: Scope
    node_id: str
    since: datetime | None
    full: bool
    counts: Counter[str]
    progress: Progress

    @property
    def repository_id(self) -> int:
        """GitHub's numeric id."""
        return int(self.scope.external_id)

    def start(self, stream: str) -> GitHubState:
        """Where a stream goes on."""
        return GitHubState() if self.full else store.load_state(self.repository_id, stream)

    def count(self, stream: str, stored: store.Stored, *, pages: int = 1) -> None:
        """Add what was stored of one page, or of ``pages`` that were written together; each moves the progress."""
        self.counts[stream] += stored.seen
        for name in ("inserted", "updated", "deleted", "malformed"):
            self.counts[f"{stream}_{name}"] += getattr(stored, name)
        for page in range(pages):
            self.progress.advance(stored.seen * (page + 1) // pages - stored.seen * page // pages)
        self.client.share_budgets()


def collect_list(run: Run, stream: str) -> None:
    """Read a list from its checkpoint (or from the beginning) to its end."""
    of = LISTS[stream]
    pages = of.pages(run.client, run.scope.name, run.start(stream), run.since)
    converted = ((of.convert(page.items, run.repository_id), page.state) for page in pages)
    for batch in fetch.in_batches(converted, waiting=PAGES_WAITING):
        _store_pages(run, stream, batch)


def _store_pages(run: Run, stream: str, batch: Sequence[tuple[convert.Page, IncrementalState]]) -> None:
    """Write pages together, or one by one where that loses something or one of them cannot be written."""
    whole = convert.joined(page for page, _ in batch)
    together = [(whole, batch[-1][1])] if whole else batch
    try:
        for page, state in together:
            stored = store.store_page(LISTS[stream].model, page, scope=run.scope, stream=stream, state=state)
            run.count(stream, stored, pages=len(batch) if whole else 1)
    except (DataError, IntegrityError):
        if len(batch) == len(together):
            raise
        for one in batch:
            _store_pages(run, stream, [one])


def collect_small_list(run: Run, stream: str) -> None:
    """Read releases, labels or milestones whole, unless they are as they were."""
    found = fetch.whole_list(run.client, stream, run.scope.name, run.start(stream))
    if found.items is None:
        return
    now = timezone.now()
    if stream == "releases":
        page = convert.convert_releases(found.items, run.repository_id)
        run.count(stream, store.store_releases(page, scope=run.scope, stream=stream, state=found.state, now=now))
        return
    labels = stream == "labels"
    rows, aside = (convert.convert_labels if labels else convert.convert_milestones)(found.items, run.repository_id)
    accounts = [] if labels else list(convert.milestone_creators(found.items))
    stored = store.store_rows(
        Label if labels else Milestone, rows, aside, accounts,
        scope=run.scope, stream=stream, state=found.state, now=now,
    )  # fmt: skip
    run.count(stream, stored)


def collect_threads(run: Run, stream: str) -> None:
    """Read pull requests, or the timelines of issues."""
    pages = fetch.thread_pages(run.client, stream, run.node_id, run.scope.name, run.start(stream))
    converted = (
        (convert.convert_threads(page.items, run.repository_id, THREADS[stream]), page.state, page.refused)
        for page in pages
    )
    for page, state, refused in fetch.ahead(converted, waiting=PAGES_WAITING):
        skip_refused(run, stream, refused)
        now = timezone.now()
        stored = store.store_threads(page, scope=run.scope, stream=stream, state=state, now=now)
        for name, of in stored.items():
            run.count(name, of)


def collect_discussions(run: Run) -> None:
    """Read discussions with everything said in them."""
    stream = DISCUSSIONS
    pages = fetch.thread_pages(run.client, stream, run.node_id, run.scope.name, run.start(stream))
    converted = ((convert.convert_discussions(page.items, run.repository_id), page.state) for page in pages)
    for page, state in fetch.ahead(converted, waiting=PAGES_WAITING):
        now = timezone.now()
        run.count(stream, store.store_discussions(page, scope=run.scope, stream=stream, state=state, now=now))


def collect_commits(run: Run, history: fetch.LocalHistory) -> None:
    """Read the commits that branches and tags lead to and that are not kept yet."""
    refs, full = history.refs(), run.full
    while True:
        plan = store.open_plan(run.repository_id, refs, full=full)
        pages = (
            (convert.convert_commits(page.commits, run.repository_id, run.scope.url), page.done)
            for page in history.pages(plan)
        )
        for page, done in fetch.ahead(pages, waiting=PAGES_WAITING):
            run.count(COMMITS, store.store_commits(page, scope=run.scope, done=done))
        changes = history.changes(store.known_refs(run.repository_id), plan.refs)
        run.counts["commits_deleted"] += store.close_plan(run.scope, plan, changes, timezone.now())
        if plan.refs == refs:
            return
        full = False  # the plan was an earlier run's; now what came since


def skip_refused(run: Run, stream: str, items: Sequence[dict[str, Any]]) -> None:
    """Count items that GitHub could not show however little was asked."""
    for item in items:
        run.counts[f"{stream}_refused"] += 1
        store.record_refused(run.scope, stream, f"{stream}:{item['number']}")
