"""The streams of a repository: how each is fetched, what it becomes, where it is kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone

from core.collectors.progress import Progress
from core.ingest.prefetch import prefetch, prefetch_batches
from core.ingest.records import Page, PageResult
from core.ingest.skips import clear_skips, record_skip
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.models import CommitComment, Issue, IssueComment, Label, Milestone, ReviewComment
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubState


@dataclass(frozen=True, kw_only=True, slots=True)
class ListStream:
    """A repository-wide REST list."""

    pages: Callable[[GitHubClient, str, IncrementalState, datetime | None], Iterator[fetch.ListPage]]
    convert: Callable[[Sequence[Any], int], Page]
    model: type[models.Model]


LISTS = {
    "issues": ListStream(pages=fetch.issues, convert=convert.convert_issues, model=Issue),
    "issue_comments": ListStream(
        pages=fetch.issue_comments, convert=convert.convert_issue_comments, model=IssueComment
    ),
    "review_comments": ListStream(
        pages=fetch.review_comments, convert=convert.convert_review_comments, model=ReviewComment
    ),
    "commit_comments": ListStream(
        pages=fetch.commit_comments, convert=convert.convert_commit_comments, model=CommitComment
    ),
}
SMALL_LISTS = ("labels", "milestones", "releases")
THREADS = {"pulls": "pull_request", "issue_timelines": "issue"}
DISCUSSIONS, COMMITS, COMMIT_COMMENTS = "discussions", "commits", "commit_comments"
STATES = "comment_states"
NEED_TOKEN = (*THREADS, DISCUSSIONS, STATES)
"""Streams over GraphQL, which GitHub answers to nobody without a token."""
STREAMS = (*SMALL_LISTS, *LISTS, COMMITS, *THREADS, DISCUSSIONS, STATES)
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
    small_steps: bool
    """Whether the run before this one was cut off: then pages are small at first, so that this one gets further."""

    @property
    def repository_id(self) -> int:
        """GitHub's numeric id."""
        return int(self.scope.external_id)

    def start(self, stream: str) -> GitHubState:
        """Where a stream goes on."""
        return GitHubState() if self.full else store.load_state(self.repository_id, stream)

    def count(self, stream: str, stored: PageResult, *, pages: int = 1) -> None:
        """Add what was stored of one page, or of ``pages`` that were written together; each moves the progress."""
        self.counts[stream] += stored.seen
        for name in ("inserted", "updated", "deleted", "malformed"):
            self.counts[f"{stream}_{name}"] += getattr(stored, name)
        for page in range(pages):
            self.progress.advance(stored.seen * (page + 1) // pages - stored.seen * page // pages)
        self.client.share_budgets()

    def skip(self, stream: str, external_id: str, reason: str, detail: str, payload: Any = None) -> None:
        """Record something that GitHub did not show, and count it in this run."""
        self.counts[f"{stream}_{'incomplete' if reason == 'incomplete' else 'refused'}"] += 1
        record_skip(
            collector=store.COLLECTOR, scope=self.scope.external_id, stream=stream, external_id=external_id[:300],
            reason=reason, detail=detail, payload=payload,
        )  # fmt: skip


def collect_list(run: Run, stream: str, start: IncrementalState | None = None) -> None:
    """Read a list from ``start``, else from its checkpoint (or from the beginning), to its end."""
    of = LISTS[stream]
    pages = of.pages(run.client, run.scope.name, start or run.start(stream), run.since)
    converted = ((of.convert(page.items, run.repository_id), page.state, page.unreachable) for page in pages)
    for batch in prefetch_batches(converted, waiting=PAGES_WAITING):
        for instant in filter(None, (unreachable for _, _, unreachable in batch)):
            detail = f"GitHub serves only a part of what changed at {instant}"
            run.skip(stream, f"{stream}{store.UNSERVED}{instant}", "incomplete", detail)
        _store_pages(run, stream, [(page, state) for page, state, _ in batch])


def _store_pages(run: Run, stream: str, batch: Sequence[tuple[Page, IncrementalState]]) -> None:
    """Write pages together, or one by one where that loses something or one of them cannot be written."""
    whole = convert.join_pages(page for page, _ in batch)
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
    for found in fetch.whole_list(run.client, stream, run.scope.name, run.start(stream)):
        _store_small_list(run, stream, found)


def _store_small_list(run: Run, stream: str, found: fetch.WholeList) -> None:
    now = timezone.now()
    if stream == "releases":
        page = convert.convert_releases(found.items, run.repository_id)
        stored = store.store_releases(
            page, scope=run.scope, stream=stream, state=found.state, now=now, whole=found.whole
        )  # fmt: skip
        run.count(stream, stored)
        return
    labels = stream == "labels"
    rows, aside = (convert.convert_labels if labels else convert.convert_milestones)(found.items, run.repository_id)
    accounts = [] if labels else list(convert.milestone_creators(found.items))
    stored = store.store_rows(
        Label if labels else Milestone, rows, aside, accounts,
        scope=run.scope, stream=stream, state=found.state, now=now, whole=found.whole,
    )  # fmt: skip
    run.count(stream, stored)


def collect_threads(run: Run, stream: str) -> None:
    """Read pull requests, the timelines of issues, or discussions with everything said in them."""
    shortfalls = Shortfalls(run, stream)
    pages = fetch.thread_pages(
        run.client, stream, run.node_id, run.scope.name, run.start(stream), shortfalls.known_lists(),
        small_steps=run.small_steps,
    )  # fmt: skip
    converted = ((convert_items(page.items, run, stream), page) for page in pages)
    for content, page in prefetch(converted, waiting=PAGES_WAITING):
        if page.reactions:
            store.store_reactions(page.reactions, scope=run.scope, stream=stream, state=page.state)
            continue
        with transaction.atomic():
            skip_refused(run, stream, page.refused)
            for denied in page.denied:
                payload = {"after": denied.after}
                run.skip(stream, f"{stream}:{denied.external_id}", denied.reason, denied.detail, payload)
            store_items(run, stream, content, page.state)
            shortfalls.record(page.items)


def collect_discussions(run: Run) -> None:
    """Read discussions with everything said in them."""
    collect_threads(run, DISCUSSIONS)


Content = convert.ThreadPage | convert.DiscussionPage
"""Converted items of a GraphQL stream."""


def convert_items(items: Sequence[Any], run: Run, stream: str) -> Content:
    """Convert items of a GraphQL stream."""
    if stream == DISCUSSIONS:
        return convert.convert_discussions(items, run.repository_id)
    return convert.convert_threads(items, run.repository_id, THREADS[stream])


def store_items(run: Run, stream: str, content: Content, state: IncrementalState | None) -> None:
    """Write converted items of a GraphQL stream; ``state`` is None for those that were asked for by id."""
    now = timezone.now()
    if isinstance(content, convert.DiscussionPage):
        run.count(stream, store.store_discussions(content, scope=run.scope, stream=stream, state=state, now=now))
        return
    for name, stored in store.store_threads(content, scope=run.scope, stream=stream, state=state, now=now).items():
        run.count(name, stored)


class Shortfalls:
    """What could not be read of the items of a stream: recorded once, and cleared when an item comes whole.

    The payload of a recorded skip has the item's node id and the lists that are shorter than their totals. An item of
    which exactly the same is missing again is not news: some lists never agree with their totals, such as timelines
    of pull requests with more than 250 commits.
    """

    def __init__(self, run: Run, stream: str) -> None:
        self.run, self.stream = run, stream
        self.known = store.shortfalls(run.repository_id, stream)

    def known_lists(self) -> dict[str, object]:
        """Return the short lists by node id."""
        return {str(payload.get("id")): payload.get("lists") for payload in self.known.values()}

    def record(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Record what is missing of these items, and clear what was and is there now."""
        for item in items:
            name = f"{self.stream}:{item.get('number')}"
            shortfall: Any = item.get(SHORTFALL)
            if shortfall is None:
                if name in self.known and not item.get(CONTINUED):
                    clear_skips(
                        collector=store.COLLECTOR, scope=self.run.scope.external_id, stream=self.stream,
                        external_id=name,
                    )  # fmt: skip
                    del self.known[name]
                continue
            payload = {"id": item.get("id"), "lists": shortfall["lists"], "detail": shortfall["detail"]}
            if self.known.get(name) != payload:
                self.run.skip(self.stream, name, shortfall["reason"], shortfall["detail"], payload)
                self.known[name] = payload


def collect_commits(run: Run, history: fetch.LocalHistory) -> None:
    """Read the commits that branches and tags lead to and that are not kept yet."""
    refs, full = _refs(run, history), run.full
    while True:
        plan = store.open_plan(run.repository_id, refs, full=full)
        pages = (
            (convert.convert_commits(page.commits, run.repository_id, run.scope.url), page.done)
            for page in history.pages(plan)
        )
        for page, done in prefetch(pages, waiting=PAGES_WAITING):
            run.count(COMMITS, store.store_commits(page, scope=run.scope, done=done))
        changes = history.changes(store.known_refs(run.repository_id), plan.refs)
        run.counts["commits_deleted"] += store.close_plan(run.scope, plan, changes, timezone.now())
        if plan.refs == refs:
            return
        full = False  # the plan was an earlier run's; now what came since


def _refs(run: Run, history: fetch.LocalHistory) -> dict[str, str]:
    """Branches and tags with their commits; one whose object is missing is counted and stays as it was."""
    found, known = history.refs(), store.known_refs(run.repository_id)
    store.record_missing_refs(run.scope, found.missing)
    return {**{name: known[name] for name in found.missing if name in known}, **found.commits}


def skip_refused(run: Run, stream: str, items: Sequence[dict[str, Any]]) -> None:
    """Count items that GitHub could not show however little was asked."""
    for item in items:
        run.counts[f"{stream}_refused"] += 1
        store.record_refused(run.scope, stream, f"{stream}:{item['number']}")
