"""Compares what is stored with what GitHub has, in both directions, and repairs the difference.

Every run compares the totals that the probe tells anyway with the live rows, and the comment count of each issue with
its stored comments. Only where these differ, once a week where something changed, and for everything with
``--reconcile``, the sizes of all issues, pull requests and discussions are listed: one request for a hundred. What
GitHub counts and does not deliver is remembered with growing pauses (``store.gaps``).
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.utils import timezone

from github_activity_tracker import convert, store
from github_activity_tracker.collector.compare import Comparison
from github_activity_tracker.collector.run import Run
from github_activity_tracker.fetch.reconcile import fetch_accounts, is_switched_on, totals_pages
from github_activity_tracker.protocol_impl import GitHubState

logger = logging.getLogger(__name__)
STATE = "reconcile"
COMPARE_EVERY = timedelta(days=7)
"""A repository in which something changed is compared when its last comparison is older: items of accounts that GitHub
hides for a time vanish and return without moving any date or total of an issue."""
LONGEST_PAUSE_DAYS = 32
THREADS = ("issues", "pulls")
STREAM_OF = {"issues": "issues", "pulls": "issues", "discussions": "discussions"}
"""The stream that must have been read to its end once before missing items mean anything."""
FACTS = {"issues": "issues", "pulls": "pullRequests", "discussions": "discussions"}


@dataclass(kw_only=True)
class Memory:
    """What is remembered of a repository's comparisons; times are ISO 8601, empty for never."""

    totals: dict[str, int] = field(default_factory=dict[str, int])
    stored: dict[str, int] = field(default_factory=dict[str, int])
    attempts: int = 0
    """Comparisons in a row that left these totals different."""
    not_before: str = ""
    compared_at: str = ""
    since: str = ""
    """Where the first reading began, when ``--since`` said so: what is older is not missing."""
    unfinished: dict[str, Any] = field(default_factory=dict[str, Any])
    """Where a comparison stopped; empty when the last one was complete."""

    @classmethod
    def load(cls, repository_id: int) -> "Memory":
        """Read it; unknown names are ignored."""
        extras = cast("dict[str, Any]", store.load_state(repository_id, STATE).extras)
        return cls(**{name: value for name, value in extras.items() if name in cls.__dataclass_fields__})

    def save(self, repository_id: int) -> None:
        """Write it."""
        store.save_state(repository_id, STATE, GitHubState(extras=dict(vars(self))))

    def is_due(self, totals: Mapping[str, int], stored: Mapping[str, int], now: datetime) -> bool:
        """Return whether different totals should be looked into (again)."""
        if self.totals != totals or self.stored != stored or not self.not_before:
            return True
        return now >= datetime.fromisoformat(self.not_before)

    def remember(self, totals: dict[str, int], stored: dict[str, int], now: datetime) -> None:
        """Note how a comparison ended: equal, or different with a pause before the next attempt."""
        same = self.totals == totals and self.stored == stored
        self.attempts = 0 if totals == stored else self.attempts + 1 if same else 1
        self.totals, self.stored = totals, stored
        pause = timedelta(days=min(2**self.attempts, LONGEST_PAUSE_DAYS))
        self.not_before = (now + pause).isoformat() if self.attempts else ""


def remember_start(run: Run) -> None:
    """Remember where a first reading begins: call it before anything is read."""
    if not (run.options.since or run.options.full):
        return
    memory = Memory.load(run.repository_id)
    is_first = run.options.full or not store.load_state(run.repository_id, "issues").checkpoint_token
    since = run.options.since.isoformat() if run.options.since else ""
    if is_first and memory.since != since:
        memory.since = since
        memory.save(run.repository_id)


def reconcile(
    run: Run, facts: Mapping[str, Any], *, everything: bool, changed: bool, streams: Collection[str],
    off: Collection[str] = (),
) -> None:  # fmt: skip
    """Compare and repair. ``everything``: also what no total tells of. ``changed``: whether anything was read.

    ``streams``: those that were asked for and have been read completely at least once; nothing else is compared.
    ``off``: kinds (issues, pulls, discussions) that are switched off; what GitHub hides is not deleted.
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
    comparison = Comparison(run, complete=complete, since=memory.since)
    if on:
        _compare(comparison, on, memory)
    if everything:
        _people(run)
        comparison.verify("discussion_comments", None)
    if listed or changed:
        comparison.check_comments()
    if listed:
        _note_end(run, memory, totals, now)
    if {*THREADS} <= {*listed} and {"issues", "issue_comments", "review_comments"} <= {*complete}:
        store.clear_unserved(run.repository_id)
    if {*listed} >= {*THREADS} & {*totals} or not memory.compared_at:
        memory.compared_at = now.isoformat()
    if listed or not known_before:
        memory.save(run.repository_id)


def _note_end(run: Run, memory: Memory, totals: dict[str, int], now: datetime) -> None:
    """Remember how a comparison ended."""
    stored = _stored(run, totals)
    if stored != totals:
        logger.warning("totals differ after a comparison scope=%s stored=%s github=%s", run.scope.name, stored, totals)
    memory.remember(totals, stored, now)


def _totals(facts: Mapping[str, Any], complete: Collection[str]) -> dict[str, int]:
    """Return GitHub's totals of what has been read to its end; what the facts do not tell is left out."""
    found = {name: (facts.get(part) or {}).get("totalCount") for name, part in FACTS.items()}
    return {name: total for name, total in found.items() if isinstance(total, int) and STREAM_OF[name] in complete}


def _stored(run: Run, totals: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in store.live_threads(run.repository_id).items() if name in totals}


def _is_on(run: Run, name: str) -> bool:
    """Ask the repository's settings when GitHub shows none at all: what is switched off is not deleted."""
    switched_on = is_switched_on(run.client, run.scope.name, name)
    if not switched_on:
        logger.info("switched off scope=%s list=%s", run.scope.name, name)
    return switched_on


def _compare(comparison: Comparison, listed: list[str], memory: Memory) -> None:
    """List what there is, from where an earlier comparison stopped; its place is saved after every page."""
    run = comparison.run
    done: list[str] = list(memory.unfinished.get("done") or [])
    comparison.read_again = set(memory.unfinished.get("read_again") or [])
    for name in listed:
        if name in done:
            continue
        is_same = memory.unfinished.get("name") == name
        after, edge = (memory.unfinished.get("after", ""), memory.unfinished.get("edge", "")) if is_same else ("", "")
        _save_place(comparison, memory, done, name, after, edge)
        for page in totals_pages(run.client, name, run.node_id, run.scope.name, after):
            edge = comparison.page(name, page, edge)
            _save_place(comparison, memory, done, name, page.cursor, edge)
            run.client.share_budgets()
        done.append(name)
    memory.unfinished = {}


def _save_place(comparison: Comparison, memory: Memory, done: list[str], name: str, after: str, edge: str) -> None:
    memory.unfinished = {
        "done": done, "name": name, "after": after, "edge": edge, "read_again": sorted(comparison.read_again),
    }  # fmt: skip
    memory.save(comparison.run.repository_id)


def _people(run: Run) -> None:
    """Mark accounts that GitHub no longer has, and learn the logins of those that were renamed or returned."""
    ids = store.account_node_ids(run.repository_id)
    found, gone = fetch_accounts(run.client, list(ids), run.scope.name)
    rows = list(convert.actor_rows(*found))
    marked = store.store_account_changes(rows, [ids[node_id] for node_id in gone], timezone.now())
    run.counts["accounts_deleted"] += marked
