"""The streams of a repository: how each is fetched, what it becomes, where it is kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.models import Issue, IssueComment, ReviewComment
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
COMMITS = "commits"
STREAMS = (*LISTS, COMMITS)


def collect_list(
    client: GitHubClient, scope: Scope, stream: str, *, since: datetime | None, full: bool, counts: Counter[str]
) -> None:
    """Read a list from its checkpoint (or from the beginning) to its end; ``counts`` grows page by page."""
    of, repository_id = LISTS[stream], int(scope.external_id)
    start = GitHubState() if full else store.load_state(repository_id, stream)
    for page in of.pages(client, scope.name, start, since):
        converted = of.convert(page.items, repository_id)
        count(counts, stream, store.store_page(of.model, converted, scope=scope, stream=stream, state=page.state))


def collect_commits(history: fetch.LocalHistory, scope: Scope, *, full: bool, counts: Counter[str]) -> None:
    """Read the commits that branches and tags lead to and that are not kept yet."""
    repository_id, refs = int(scope.external_id), history.refs()
    while True:
        plan = store.open_plan(repository_id, refs, full=full)
        for page in history.pages(plan):
            converted = convert.convert_commits(page.commits, repository_id, scope.url)
            count(counts, COMMITS, store.store_commits(converted, scope=scope, done=page.done))
        store.close_plan(repository_id, plan)
        if plan.refs == refs:
            return
        full = False  # the plan was an earlier run's; now what came since


def count(counts: Counter[str], stream: str, stored: store.Stored) -> None:
    """Add what a page did to the counts of a run."""
    counts[stream] += stored.seen
    counts[f"{stream}_inserted"] += stored.inserted
    counts[f"{stream}_updated"] += stored.updated
    counts[f"{stream}_malformed"] += stored.malformed
