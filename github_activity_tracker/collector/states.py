"""Reads whether comments are hidden and review threads resolved.

GitHub moves no date when somebody hides a comment or resolves a thread, so no list shows it. A run reads the states
of what is new or changed since the repository was first complete; ``--reconcile`` reads all of them again. States of
older comments follow by a few requests a run. The requests are counted apart (``comment_states_requests``).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice

from django.db import transaction

from core.errors import RetryLater
from github_activity_tracker import fetch, store
from github_activity_tracker.collector.streams import STATES, Run, Shortfalls
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store import Stale

AT_ONCE = 500
"""Comments and pull requests that are looked up in the database at a time."""
BACKLOG = 5
"""Batches of a hundred comments whose state was never read that a run reads besides what changed."""
PATIENCE = timedelta(days=7)
"""An interrupted reading of everything continues where it was for so long; later it begins again."""


class Reach(Enum):
    """What a run reads: what changed, or everything that is unknown too, or what is known once more as well."""

    CHANGED = 1
    UNKNOWN = 2
    KNOWN = 3


def collect_states(run: Run, reach: Reach, told_at: datetime, *, continued: bool = False) -> None:
    """Read states as far as ``reach`` says. The first run of a repository only remembers ``told_at``.

    Every batch is stored at once: an interrupted run loses nothing. ``continued``: the run before did not come to its
    end; what it read again completely a short time ago is not read again.
    """
    extras = dict(store.load_state(run.repository_id, STATES).extras)
    first = "since" not in extras
    extras.setdefault("since", told_at.isoformat())
    now = run.client.server_time or datetime.now(UTC)
    if reach is Reach.KNOWN and continued and not _is_old(extras.get("known_at"), now):
        reach = Reach.CHANGED
    if reach is Reach.KNOWN and _is_old(extras.get("again"), now):
        extras["again"] = now.isoformat()
    _save(run, extras)
    everything = Stale(repository_id=run.repository_id, now=now)
    if reach is Reach.KNOWN:
        everything = replace(everything, read_before=datetime.fromisoformat(str(extras["again"])))
    before = run.client.requests
    try:
        if reach is not Reach.CHANGED:
            _read(run, everything)
        elif not first:
            _read(run, replace(everything, changed_since=datetime.fromisoformat(str(extras["since"]))))
            _read_backlog(run, everything)
    finally:
        run.counts[f"{STATES}_requests"] += run.client.requests - before
    if reach is Reach.KNOWN:
        _save(run, {"since": extras["since"], "known_at": now.isoformat()})


def _is_old(again: object, now: datetime) -> bool:
    return not isinstance(again, str) or now - datetime.fromisoformat(again) > PATIENCE


def _save(run: Run, extras: dict[str, object]) -> None:
    marker = f"changes since {extras['since']}"
    store.save_state(run.repository_id, STATES, GitHubState(extras=extras, human_readable_marker=marker))


def _read_backlog(run: Run, everything: Stale) -> None:
    """Read some of what was never read; nothing waits for it, so a limit ends it silently."""
    try:
        for _ in islice(_batches(run, everything), BACKLOG):
            pass
    except RetryLater:
        return


def _read(run: Run, stale: Stale) -> None:
    for _ in _batches(run, stale):
        pass


def _batches(run: Run, stale: Stale) -> Iterator[None]:
    """Read and store batch after batch; what was read is no longer stale, so that this ends."""
    while node_ids := store.stale_comments(stale, AT_ONCE):
        for answers in fetch.hidden(run.client, node_ids, run.scope.name):
            changed = store.store_hidden(run.scope, answers, _read_at(run, stale))
            _count(run, len(answers), changed)
            yield
    shortfalls = Shortfalls(run, STATES)
    while pulls := store.stale_pulls(stale, AT_ONCE):
        for answers in fetch.review_threads(run.client, pulls, run.scope.name):
            with transaction.atomic():  # a pull request of which threads are missing is a skip that is retried
                changed = store.store_review_threads(run.scope, answers, _read_at(run, stale))
                shortfalls.record([pull for pull in answers.values() if pull])
            _count(run, len(answers), changed)
            yield


def _read_at(run: Run, stale: Stale) -> datetime:
    """When a batch was read, by GitHub's clock of whole seconds: it is compared with ``updated_at``.

    Never before the time from which everything is read again, nor before ``stale.now``: what was read is not stale.
    """
    now = run.client.server_time or datetime.now(UTC)
    behind = stale.read_before + timedelta(microseconds=1) if stale.read_before else stale.now
    return max(now, behind, stale.now)


def _count(run: Run, seen: int, changed: int) -> None:
    run.counts[STATES] += seen
    run.counts[f"{STATES}_updated"] += changed
    run.progress.advance(seen)
    run.client.share_budgets()
