"""Reads whether comments are hidden and whether review threads are resolved.

GitHub changes no date when a comment is hidden or a thread is resolved, so lists ordered by change do not show it. The
first run of a repository saves its start time. Later runs read the states of comments and pull requests that changed
after that time, and a few batches of older ones that were never read. ``--reconcile`` reads all states again. The count
``comment_state_requests`` includes all these requests.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice

from django.db import transaction

from core.errors import RetryLater
from github_activity_tracker.collector.run import Run, Shortfalls
from github_activity_tracker.fetch.states import fetch_hidden_states, fetch_review_threads
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.pages import load_state, save_state
from github_activity_tracker.store.states import (
    Stale,
    stale_comments,
    stale_pulls,
    store_hidden_states,
    store_review_threads,
)

COMMENT_STATES = "comment_states"
AT_ONCE = 500
"""Maximum number of comments or pull requests that one database query returns. 500 comments need 5 requests to GitHub.
"""
BACKLOG = 5
"""Maximum number of batches of unread states that a run reads in addition to the changed states.

A batch has up to 100 comments or 25 pull requests. More batches would use more of the budget in every run.
"""
PATIENCE = timedelta(days=7)
"""Maximum age of an interrupted run with ``Reach.ALL`` that a later run continues.

After this time, all states are read again, because the first ones may have changed since.
"""


class Reach(Enum):
    """The states that a run reads.

    ``CHANGED`` means the states of changed comments and a few unread states. ``UNKNOWN`` means all changed and unread
    states. ``ALL`` means that all states are read again.
    """

    CHANGED = 1
    UNKNOWN = 2
    ALL = 3


def collect_states(run: Run) -> None:
    """Read the states that the options request. By default, the first run of a repository only saves its start time.

    Each batch is stored immediately, so an interrupted run keeps its results. If the previous run was interrupted after
    it had read all states, this run reads only the changed states.
    """
    options = run.options
    reach = Reach.ALL if options.reconcile else Reach.UNKNOWN if options.streams else Reach.CHANGED
    extras = dict(load_state(run.repository_id, COMMENT_STATES).extras)
    first = "since" not in extras
    extras.setdefault("since", run.probed_at.isoformat())
    now = run.client.server_time or datetime.now(UTC)
    if reach is Reach.ALL and run.continued and not _is_old(extras.get("known_at"), now):
        reach = Reach.CHANGED
    if reach is Reach.ALL and _is_old(extras.get("again"), now):
        extras["again"] = now.isoformat()
    _save(run, extras)
    everything = Stale(repository_id=run.repository_id, now=now)
    if reach is Reach.ALL:
        everything = replace(everything, read_before=datetime.fromisoformat(str(extras["again"])))
    before = run.client.requests
    try:
        if reach is not Reach.CHANGED:
            _read(run, everything)
        elif not first:
            _read(run, replace(everything, changed_since=datetime.fromisoformat(str(extras["since"]))))
            _read_backlog(run, everything)
    finally:
        run.counts["comment_state_requests"] += run.client.requests - before
    if reach is Reach.ALL:
        _save(run, {"since": extras["since"], "known_at": now.isoformat()})


def _is_old(time: object, now: datetime) -> bool:
    return not isinstance(time, str) or now - datetime.fromisoformat(time) > PATIENCE


def _save(run: Run, extras: dict[str, object]) -> None:
    marker = f"changes since {extras['since']}"
    save_state(run.repository_id, COMMENT_STATES, GitHubState(extras=extras, human_readable_marker=marker))


def _read_backlog(run: Run, everything: Stale) -> None:
    """Read up to ``BACKLOG`` batches of states that were never read. Stop without an error at a rate limit."""
    try:
        for _ in islice(_batches(run, everything), BACKLOG):
            pass
    except RetryLater:
        return


def _read(run: Run, stale: Stale) -> None:
    for _ in _batches(run, stale):
        pass


def _batches(run: Run, stale: Stale) -> Iterator[None]:
    """Read and store one batch at a time. Stored states are no longer stale, so the loops end."""
    while node_ids := stale_comments(stale, AT_ONCE):
        for comments in fetch_hidden_states(run.client, node_ids, run.scope.name):
            changed = store_hidden_states(run.scope, comments, _read_at(run, stale))
            _count(run, len(comments), changed)
            yield
    shortfalls = Shortfalls(run, COMMENT_STATES)
    while waiting := stale_pulls(stale, AT_ONCE):
        for pulls in fetch_review_threads(run.client, waiting, run.scope.name):
            # One transaction, so that a pull request with missing threads is always recorded as a skip.
            with transaction.atomic():
                changed = store_review_threads(run.scope, pulls, _read_at(run, stale))
                shortfalls.record([pull for pull in pulls.values() if pull])
            _count(run, len(pulls), changed)
            yield


def _read_at(run: Run, stale: Stale) -> datetime:
    """Return the time at which a batch was read, by GitHub's clock, because GitHub also sets ``updated_at``.

    The result is at least ``stale.now`` and later than ``stale.read_before``. With an earlier time, the batch would
    still be stale.
    """
    now = run.client.server_time or datetime.now(UTC)
    behind = stale.read_before + timedelta(microseconds=1) if stale.read_before else stale.now
    return max(now, behind, stale.now)


def _count(run: Run, seen: int, changed: int) -> None:
    run.counts[COMMENT_STATES] += seen
    run.counts[f"{COMMENT_STATES}_updated"] += changed
    run.progress.advance(seen)
    run.client.share_budgets()
