"""Compares the stored rows with GitHub's totals, fetches missing rows, and marks rows of deleted items as deleted.

Each run compares the totals of the probe with the number of live rows. A run that has read something also compares the
comment count of each issue and pull request with the stored comments. A list is compared item by item, up to 100 items
per request, if its total differs, if something changed and the last comparison is more than a week old, or with
``--reconcile``. Items that GitHub counts but does not return are retried after growing pauses (``store.gaps``).
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.utils import timezone

from github_activity_tracker.collector.compare import Comparison
from github_activity_tracker.collector.run import Run
from github_activity_tracker.convert.accounts import actor_rows
from github_activity_tracker.fetch.reconcile import fetch_accounts, is_switched_on, totals_pages
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.gaps import clear_unserved
from github_activity_tracker.store.pages import load_state, save_state
from github_activity_tracker.store.reconcile import account_node_ids, live_threads, store_account_changes

logger = logging.getLogger(__name__)
STATE = "reconcile"
COMPARE_EVERY = timedelta(days=7)
"""Maximum age of the last comparison. After this time, the next run that reads a stream compares all items.

The comparison also finds differences that change no date and no total of the repository. For example, when GitHub hides
an account, the account's comments vanish and may return later.
"""
LONGEST_PAUSE_DAYS = 32
"""Maximum days before the same differing totals are compared again.

The pause doubles up to this limit, because some differences never disappear.
"""
THREADS = ("issues", "pulls")
STREAM_OF = {"issues": "issues", "pulls": "issues", "discussions": "discussions"}
"""The stream of each list. Items of the list count as missing only after this stream has been read to its end."""
FACTS = {"issues": "issues", "pulls": "pullRequests", "discussions": "discussions"}


@dataclass(kw_only=True)
class Memory:
    """The saved state of a repository's comparisons. Times are in ISO 8601, or empty if there is no such time."""

    totals: dict[str, int] = field(default_factory=dict[str, int])
    stored: dict[str, int] = field(default_factory=dict[str, int])
    attempts: int = 0
    """Number of consecutive comparisons that ended with the same differing ``totals`` and ``stored``."""
    not_before: str = ""
    compared_at: str = ""
    since: str = ""
    """Value of ``--since`` in the first run or the latest ``--full`` run. Older items do not count as missing."""
    unfinished: dict[str, Any] = field(default_factory=dict[str, Any])
    """Position of an interrupted comparison. Empty after a complete comparison."""

    @classmethod
    def load(cls, repository_id: int) -> "Memory":
        """Return the saved state. Unknown names are ignored."""
        extras = cast("dict[str, Any]", load_state(repository_id, STATE).extras)
        return cls(**{name: value for name, value in extras.items() if name in cls.__dataclass_fields__})

    def save(self, repository_id: int) -> None:
        """Save the state."""
        save_state(repository_id, STATE, GitHubState(extras=dict(vars(self))))

    def is_due(self, totals: Mapping[str, int], stored: Mapping[str, int], now: datetime) -> bool:
        """Return whether the items must be compared now: a total or a number of rows changed, or the pause is over."""
        if self.totals != totals or self.stored != stored or not self.not_before:
            return True
        return now >= datetime.fromisoformat(self.not_before)

    def remember(self, totals: dict[str, int], stored: dict[str, int], now: datetime) -> None:
        """Record the end of a comparison. If the totals still differ, set a pause before the next comparison."""
        same = self.totals == totals and self.stored == stored
        self.attempts = 0 if totals == stored else self.attempts + 1 if same else 1
        self.totals, self.stored = totals, stored
        pause = timedelta(days=min(2**self.attempts, LONGEST_PAUSE_DAYS))
        self.not_before = (now + pause).isoformat() if self.attempts else ""


def remember_start(run: Run) -> None:
    """Save the value of ``--since`` in a first run or a ``--full`` run. Call this before anything is read."""
    if not (run.options.since or run.options.full):
        return
    memory = Memory.load(run.repository_id)
    is_first = run.options.full or not load_state(run.repository_id, "issues").checkpoint_token
    since = run.options.since.isoformat() if run.options.since else ""
    if is_first and memory.since != since:
        memory.since = since
        memory.save(run.repository_id)


def reconcile(
    run: Run, facts: Mapping[str, Any], *, everything: bool, changed: bool, streams: Collection[str],
    off: Collection[str] = (),
) -> None:  # fmt: skip
    """Compare the stored rows with GitHub's totals, and repair the differences.

    ``everything`` means that all lists are compared, and also accounts and replies that no total covers. ``changed``
    means that a stream was read since the last comparison. ``streams`` are the requested streams that have been read
    completely at least once; others are not compared. ``off`` are the features that are switched off; their rows are
    not marked as deleted.
    """
    before = run.client.requests
    try:
        _reconcile(run, facts, everything=everything, changed=changed, complete=streams, off=off)
    finally:
        run.counts["reconcile_requests"] += run.client.requests - before


def _reconcile(
    run: Run, facts: Mapping[str, Any], *, everything: bool, changed: bool, complete: Collection[str],
    off: Collection[str],
) -> None:  # fmt: skip
    totals = {name: total for name, total in _totals(facts, complete).items() if name not in off}
    memory, now = Memory.load(run.repository_id), timezone.now()
    stored, known_before = _stored(run, totals), bool(memory.compared_at)
    differ = {name for name in totals if stored[name] != totals[name]}
    weekly = changed and bool(memory.compared_at) and now - datetime.fromisoformat(memory.compared_at) > COMPARE_EVERY
    listed: list[str] = []
    if everything or weekly or memory.unfinished:
        listed = list(totals)
    elif differ and memory.is_due(totals, stored, now):
        listed = [name for name in totals if name in differ or (name in THREADS and differ & {*THREADS})]
    on = [name for name in listed if totals[name] or not stored[name] or _is_on(run, name)]
    check_comments = (listed or changed) and {"issues", "issue_comments"} <= {*complete}
    if on or everything or check_comments:
        comparison = Comparison(run, complete=complete, since=memory.since)
        if on:
            _compare(comparison, on, memory)
        if everything:
            _people(run)
            comparison.verify("discussion_comments", None)
        if check_comments:
            comparison.check_comments()
    if listed:
        _note_end(run, memory, totals, now)
    if {*THREADS} <= {*listed} and {"issues", "issue_comments", "review_comments"} <= {*complete}:
        clear_unserved(run.repository_id)
    if {*listed} >= {*THREADS} & {*totals} or not memory.compared_at:
        memory.compared_at = now.isoformat()
    if listed or not known_before:
        memory.save(run.repository_id)


def _note_end(run: Run, memory: Memory, totals: dict[str, int], now: datetime) -> None:
    """Record the end of a comparison. Log a warning if the totals still differ."""
    stored = _stored(run, totals)
    if stored != totals:
        logger.warning("totals differ after a comparison scope=%s stored=%s github=%s", run.scope.name, stored, totals)
    memory.remember(totals, stored, now)


def _totals(facts: Mapping[str, Any], complete: Collection[str]) -> dict[str, int]:
    """Return GitHub's totals of the lists that the facts contain and that have been read to their end."""
    totals = {name: (facts.get(part) or {}).get("totalCount") for name, part in FACTS.items()}
    return {name: total for name, total in totals.items() if isinstance(total, int) and STREAM_OF[name] in complete}


def _stored(run: Run, totals: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in live_threads(run.repository_id).items() if name in totals}


def _is_on(run: Run, name: str) -> bool:
    """Return whether the feature of an empty list is switched on. If not, its rows must not be marked as deleted."""
    switched_on = is_switched_on(run.client, run.scope.name, name)
    if not switched_on:
        logger.info("switched off scope=%s list=%s", run.scope.name, name)
    return switched_on


def _compare(comparison: Comparison, listed: list[str], memory: Memory) -> None:
    """Compare all pages of totals. Continue at the position of an interrupted comparison, if there is one.

    The position is saved after each page.
    """
    run = comparison.run
    done: list[str] = list(memory.unfinished.get("done") or [])
    comparison.read_again = set(memory.unfinished.get("read_again") or [])
    for name in listed:
        if name in done:
            continue
        is_same = memory.unfinished.get("name") == name
        after, edge = (memory.unfinished.get("after", ""), memory.unfinished.get("edge", "")) if is_same else ("", "")
        _save_position(comparison, memory, done, name, after, edge)
        for page in totals_pages(run.client, name, run.node_id, run.scope.name, after):
            edge = comparison.page(name, page, edge)
            _save_position(comparison, memory, done, name, page.cursor, edge)
            run.client.share_budgets()
        done.append(name)
    memory.unfinished = {}


def _save_position(comparison: Comparison, memory: Memory, done: list[str], name: str, after: str, edge: str) -> None:
    memory.unfinished = {
        "done": done, "name": name, "after": after, "edge": edge, "read_again": sorted(comparison.read_again),
    }  # fmt: skip
    memory.save(comparison.run.repository_id)


def _people(run: Run) -> None:
    """Mark accounts as deleted if they no longer exist on GitHub. Store the current logins of all other accounts."""
    ids = account_node_ids(run.repository_id)
    accounts, gone = fetch_accounts(run.client, list(ids), run.scope.name)
    rows = list(actor_rows(*accounts))
    marked = store_account_changes(rows, [ids[node_id] for node_id in gone], timezone.now())
    run.counts["accounts_deleted"] += marked
