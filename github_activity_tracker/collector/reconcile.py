"""Finds what is gone at the source. Nothing is buried that GitHub was not asked about by its own id.

Totals are compared with what is kept: where they differ, and for everything with ``--reconcile``, ids are asked for a
hundred at a time (one point each); those that GitHub does not know any more become tombstones.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils import timezone

from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector.streams import THREADS, Run
from github_activity_tracker.convert import Row
from github_activity_tracker.protocol_impl import GitHubState

logger = logging.getLogger(__name__)
STATE = "reconcile"
PLACES = {"issues": "issue_timelines", "pulls": "pulls"}
COMPARED = {"issues": "issues", "pulls": "issues", "discussions": "discussions"}
"""The stream whose rows are counted: the list of issues has pull requests, too."""
TOTALS = {"issues": "issues", "pulls": "pullRequests", "discussions": "discussions"}
"""What GitHub's facts call the totals."""


def reconcile(
    run: Run, facts: Mapping[str, Any], *, everything: bool, changed: bool, streams: Collection[str],
    off: Collection[str] = (),
) -> None:  # fmt: skip
    """Compare and repair. ``everything``: also what no total tells of. ``changed``: whether anything was read.

    ``streams``: those that were asked for and have been read completely at least once; nothing else is compared.
    ``off``: kinds (issues, pulls, discussions) that are switched off; what GitHub hides is not deleted.
    """
    compared = [kind for kind, stream in COMPARED.items() if stream in streams and kind not in off]
    totals = {kind: facts[TOTALS[kind]]["totalCount"] for kind in compared if facts.get(TOTALS[kind])}

    def counted() -> dict[str, int]:
        return {kind: count for kind, count in store.live_threads(run.repository_id).items() if kind in totals}

    kept = counted()
    now = {"totals": totals, "kept": kept}
    differ = kept != totals and store.load_state(run.repository_id, STATE).extras != now
    threads = [kind for kind in PLACES if kind in totals and (everything or (differ and kept[kind] != totals[kind]))]
    if threads:
        _threads(run, threads, deep=everything, streams=streams)
    if "discussions" in totals and (everything or (differ and kept["discussions"] != totals["discussions"])):
        _discussions(run, deep=everything)
    if everything:
        _people(run)
    if (everything or changed) and "issue_comments" in streams and not set(PLACES) & set(off):
        _comments(run, store.threads_with_too_many_comments(run.repository_id))
    if differ or everything:
        kept = counted()
        if kept != totals:
            logger.warning("totals differ after a comparison scope=%s kept=%s github=%s", run.scope.name, kept, totals)
        store.save_state(run.repository_id, STATE, GitHubState(extras={"totals": totals, "kept": kept}))


def _threads(run: Run, kinds: Sequence[str], *, deep: bool, streams: Collection[str]) -> None:
    """Compare issues and pull requests one by one; with ``deep`` also how much each of them holds."""
    for name in kinds:
        stream = PLACES[name]
        seen: dict[int, Row] = {}
        for items in fetch.totals(run.client, name, run.node_id, run.scope.name):
            seen |= {int(item["number"]): item for item in items}
        for number in store.live_numbers(run.repository_id, name) - seen.keys():
            _bury_thread(run, name, number)
        if deep:
            _contents(run, name, stream, seen, streams)


def _bury_thread(run: Run, name: str, number: int) -> None:
    """Ask for one issue or pull request that a list leaves out; only a clear answer makes a tombstone."""
    gone, moved_to = fetch.is_gone(run.client, run.scope.name, number)
    if gone:
        kind = "issue" if name == "issues" else "pull_request"
        store.bury_thread(run.scope, kind, number, moved_to=moved_to, now=timezone.now())
        run.counts[f"{name}_deleted"] += 1


def _contents(run: Run, name: str, stream: str, seen: Mapping[int, Row], streams: Collection[str]) -> None:
    """Read again the items whose timeline or reviews differ, and look after comments whose number does."""
    held = store.held(run.repository_id)
    stale: list[str] = []
    comments: list[int] = []
    remarks: list[int] = []
    for number, item in seen.items():
        have = held.get(number)
        comments_there = item["comments"]["totalCount"]
        if (
            have is None
            or have.entries != item["timelineItems"]["totalCount"]
            or (name == "pulls" and have.reviews != item["reviews"]["totalCount"])
        ):
            stale.append(item["id"])
        if have is not None and have.comments != comments_there:
            comments.append(number)
        if (
            name == "pulls"
            and have is not None
            and have.remarks != item.get("totalCommentsCount", comments_there + have.remarks) - comments_there
        ):
            remarks.append(number)
    for items in fetch.threads_by_id(run.client, stream, stale if stream in streams else [], run.scope.name):
        page = convert.convert_threads(items, run.repository_id, THREADS[stream])
        stored = store.store_threads(page, scope=run.scope, stream=stream, state=None, now=timezone.now())
        for kind, of in stored.items():
            run.count(kind, of)
    if "issue_comments" in streams:
        _comments(run, comments)
    if "review_comments" in streams:
        _remarks(run, remarks)


def _discussions(run: Run, *, deep: bool) -> None:
    """Verify discussions by their ids; with ``deep`` also what was said in them: a deletion moves no date."""
    ids = store.node_ids(run.repository_id, "discussions", None)
    gone = [ids[node_id] for node_id in fetch.absent_nodes(run.client, list(ids), run.scope.name)]
    store.bury_discussions(run.scope, gone, timezone.now())
    run.counts["discussions_deleted"] += len(gone)
    if deep:
        _verify(run, "discussion_comments", None)


def _comments(run: Run, numbers: list[int]) -> None:
    """Verify the kept comments of these issues and pull requests by their ids."""
    _verify(run, "issue_comments", numbers)


def _remarks(run: Run, numbers: list[int]) -> None:
    """Verify the kept review comments of these pull requests by their ids."""
    _verify(run, "review_comments", numbers)


def _verify(run: Run, stream: str, numbers: list[int] | None) -> None:
    ids = store.node_ids(run.repository_id, stream, numbers)
    gone = fetch.absent_nodes(run.client, list(ids), run.scope.name)
    if gone:
        store.bury_posts(run.scope, stream, [ids[node_id] for node_id in gone], timezone.now())
        run.counts[f"{stream}_deleted"] += len(gone)


def _people(run: Run) -> None:
    """Bury accounts that are gone, and learn the logins of those that were renamed."""
    ids = store.account_node_ids(run.repository_id)
    found, gone = fetch.accounts(run.client, list(ids), run.scope.name)
    rows = list(convert.actor_rows(*found))
    store.store_account_changes(rows, [ids[node_id] for node_id in gone], timezone.now())
    run.counts["accounts_deleted"] += len(gone)
