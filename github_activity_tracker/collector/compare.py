"""Compares pages of totals with the database: fetches missing rows, and marks rows as deleted.

A row is marked as deleted only after GitHub has confirmed that the item no longer exists.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.errors import AccessDenied, NotFound
from github_activity_tracker.collector.run import Run
from github_activity_tracker.collector.streams import DISCUSSIONS, LISTS, THREADS
from github_activity_tracker.convert.threads import convert_threads
from github_activity_tracker.fetch.reconcile import (
    TotalsPage,
    find_absent_nodes,
    find_absent_numbers,
    is_gone,
    is_switched_on,
)
from github_activity_tracker.fetch.rest import fetch_comments, fetch_issue
from github_activity_tracker.fetch.threads import fetch_threads
from github_activity_tracker.store.gaps import Gap, KnownGaps
from github_activity_tracker.store.pages import forget_state, load_state, store_page
from github_activity_tracker.store.reconcile import (
    different_comment_counts,
    live_counts,
    live_discussion_counts,
    live_numbers,
    mark_discussions_deleted,
    mark_posts_deleted,
    mark_thread_deleted,
    node_ids,
    read_timelines,
    restore_thread,
    store_page_again,
)

logger = logging.getLogger(__name__)
TIMELINES = {"issues": "issue_timelines", "pulls": "pulls"}
KINDS = {"issues": "issue", "pulls": "pull_request"}
MANY = 25
"""Maximum number of missing items, or of items with missing comments, that are requested one by one.

For more items, the whole list is read again. A page of the list has 100 items, but a single request returns only one
item or the comments of one item.
"""
Item = dict[str, Any]


class Comparison:
    """Compares the stored rows of one repository with GitHub's totals.

    ``complete`` contains the streams that have been read to their end. ``since`` is an ISO 8601 time, or empty. Items
    that last changed before ``since`` do not count as missing.
    """

    def __init__(self, run: Run, *, complete: Collection[str], since: str) -> None:
        self.run, self.complete = run, complete
        self.since = datetime.fromisoformat(since) if since else None
        self.gaps = KnownGaps(run.repository_id)
        self.read_again: set[str] = set()
        """Streams that this comparison has read again from the beginning of their list."""
        self._live: dict[str, dict[int, datetime]] = {}
        self._seen: dict[str, set[int]] = {}

    def page(self, name: str, page: TotalsPage, edge: str) -> str:
        """Compare a page of totals and repair the differences.

        ``edge`` is the creation time of the last item on the previous page, or empty for the first page. Returns the
        creation time of the last item on this page, or ``edge`` if the page is empty.
        """
        live = self._live.setdefault(name, live_numbers(self.run.repository_id, name))
        items = {int(item["number"]): item for item in page.items}
        seen = self._seen.setdefault(name, set())
        seen |= items.keys()
        end = page.items[-1]["createdAt"] if page.items else edge
        self._delete(name, _absent(live, seen, edge, end, last=page.last), items)
        wanted = {number: item for number, item in items.items() if self._is_wanted(item)}
        if name == DISCUSSIONS:
            self._discussions(wanted)
            return end
        missing = [number for number in wanted if number not in live]
        if len(missing) > MANY and self._may_read_again("issues"):
            self._read_again("issues")
            missing = [n for n in missing if n not in live_numbers(self.run.repository_id, name)]
        self._restore(name, {number: wanted[number] for number in missing})
        self._contents(name, wanted)
        return end

    def check_comments(self) -> None:
        """Compare the number of stored comments of each issue and pull request with the count in the issue list.

        Fetches missing comments. If too many comments are stored, requests them by id and marks the deleted ones.
        """
        self._comments(
            "issue_comments",
            [
                Gap(stream="issue_comments", number=one.number, github=one.github, stored=one.stored)
                for one in different_comment_counts(self.run.repository_id)
                if one.stored > one.github or self.since is None or one.created_at >= self.since
            ],
        )

    def verify(self, stream: str, numbers: Sequence[int] | None) -> None:
        """Request stored comments of a stream by id. Mark comments as deleted if they no longer exist.

        ``numbers`` selects comments by issue, pull request or discussion. ``None`` selects all comments of the stream.
        """
        ids = node_ids(self.run.repository_id, stream, numbers)
        gone = find_absent_nodes(self.run.client, list(ids), self.run.scope.name) if ids else []
        if gone:
            mark_posts_deleted(self.run.scope, stream, [ids[node_id] for node_id in gone], timezone.now())
            self.run.counts[f"{stream}_deleted"] += len(gone)

    def _is_wanted(self, item: Item) -> bool:
        return self.since is None or datetime.fromisoformat(item["updatedAt"]) >= self.since

    def _may_read_again(self, stream: str) -> bool:
        return self.since is None and stream not in self.read_again

    def _delete(self, name: str, numbers: Iterable[int], items: Mapping[int, Item]) -> None:
        """Request live items that GitHub's list lacks. Mark them as deleted if GitHub confirms a deletion or a move."""
        candidates = sorted(numbers)
        run = self.run
        if not candidates:
            return
        if not items and not is_switched_on(run.client, run.scope.name, name):
            return
        if name == DISCUSSIONS:
            ids = node_ids(run.repository_id, DISCUSSIONS, candidates)
            gone = [ids[node_id] for node_id in find_absent_nodes(run.client, list(ids), run.scope.name)]
            mark_discussions_deleted(run.scope, gone, timezone.now())
            run.counts["discussions_deleted"] += len(gone)
            return
        answers = {number: is_gone(run.client, run.scope.name, number) for number in candidates}
        unclear = [number for number, (gone, moved_to) in answers.items() if gone and not moved_to]
        absent = find_absent_numbers(run.client, name, run.node_id, unclear, run.scope.name) if unclear else set[int]()
        for number, (gone, moved_to) in answers.items():
            if gone and (moved_to or number in absent):
                mark_thread_deleted(run.scope, KINDS[name], number, moved_to=moved_to, now=timezone.now())
                run.counts[f"{name}_deleted"] += 1

    def _restore(self, name: str, missing: Mapping[int, Item]) -> None:
        """Fetch and store issues or pull requests that are not live in the database, with their comments and events."""
        gaps = [Gap(stream=name, number=number, github=1, stored=0) for number in missing]
        due = [gap for gap in gaps if self.gaps.is_due(gap, timezone.now())]
        details = self._details(name, [missing[gap.number]["id"] for gap in due])
        still = [gap for gap in due if not self._restore_one(name, missing[gap.number], details.get(gap.number))]
        self.run.counts["not_delivered"] += self.gaps.settle(self.run.scope, due, still)

    def _details(self, name: str, node_ids: Sequence[str]) -> dict[int, Any]:
        """Return items with their reviews and timelines, by number. Empty if their stream was never read to its end."""
        stream = TIMELINES[name]
        if stream not in self.complete or not node_ids:
            return {}
        run = self.run
        pages = fetch_threads(run.client, stream, node_ids, run.scope.name)
        return {int(item["number"]): item for items in pages for item in items}

    def _restore_one(self, name: str, item: Item, detail: Any) -> bool:
        """Fetch an item and its comments over REST, and store them together with ``detail``.

        Returns False if GitHub does not return the item, or if the item cannot be converted.
        """
        run, number = self.run, int(item["number"])
        try:
            payloads = {"issues": [fetch_issue(run.client, run.scope.name, number)]}
            for stream, total in github_counts(name, item).items():
                if total and stream in LISTS and stream in self.complete:
                    payloads[stream] = fetch_comments(run.client, run.scope.name, stream, number)
        except (NotFound, AccessDenied):
            return False
        pages = {stream: LISTS[stream].convert(payload, run.repository_id) for stream, payload in payloads.items()}
        kind, stream = KINDS[name], TIMELINES[name]
        thread = convert_threads([detail] if detail else [], run.repository_id, kind)
        done = restore_thread(run.scope, pages, thread, stream=stream, now=timezone.now())
        for name_of_stream, stored in done.items():
            run.count(name_of_stream, stored)
        run.counts[f"{name}_restored"] += 1
        return bool(pages["issues"].records)

    def _contents(self, name: str, items: Mapping[int, Item]) -> None:
        """Compare the stored comments, reviews and events of each item with GitHub's totals. Repair the differences."""
        numbers = list(items)
        gaps = self._gaps(name, items)
        streams = {*github_counts(name, {}), "reviews", "events"}
        self.gaps.clear_closed(((gap.stream, gap.number) for gap in gaps), numbers, streams)
        self._timelines(name, items, [gap for gap in gaps if gap.stream in {"events", "reviews"}])
        for stream in ("issue_comments", "review_comments"):
            if stream in self.complete:
                self._comments(stream, [gap for gap in gaps if gap.stream == stream])

    def _gaps(self, name: str, items: Mapping[int, Item]) -> list[Gap]:
        """Return a gap for each item and stream in which the number of live rows differs from GitHub's total."""
        stored = live_counts(self.run.repository_id, items)
        return [
            Gap(stream=stream, number=number, github=total, stored=stored[stream][number])
            for number, item in items.items()
            for stream, total in github_counts(name, item).items()
            if stored[stream][number] != total
        ]

    def _timelines(self, name: str, items: Mapping[int, Item], gaps: list[Gap]) -> None:
        """Read items again if the number of reviews or events differs, or if the timeline was never stored."""
        stream, run = TIMELINES[name], self.run
        if stream not in self.complete:
            return
        now = timezone.now()
        due = [gap for gap in gaps if self.gaps.is_due(gap, now)]
        unread = items.keys() - read_timelines(run.repository_id, items)
        stale = [item["id"] for number, item in items.items() if number in unread | {gap.number for gap in due}]
        for items_of_stream in self._threads(stream, stale):
            THREADS[stream].store(run, stream, THREADS[stream].convert(items_of_stream, run.repository_id), None)
        numbers = {gap.number for gap in due}
        still = [
            gap for gap in self._gaps(name, {number: items[number] for number in numbers})
            if gap.stream in {"events", "reviews"}
        ]  # fmt: skip
        run.counts["not_delivered"] += self.gaps.settle(run.scope, due, still)

    def _threads(self, stream: str, node_ids: Sequence[str]) -> Iterator[list[Any]]:
        """Fetch threads by node id, and yield lists of threads.

        If few requests are left, fetch one thread at a time, so that each run makes progress.
        """
        run = self.run
        allowance = run.client.transport.allowance
        left = MANY * 2 if allowance.max_requests is None else allowance.max_requests - allowance.spent
        size = 1 if left < MANY else len(node_ids) or 1
        for start in range(0, len(node_ids), size):
            yield from fetch_threads(run.client, stream, node_ids[start : start + size], run.scope.name)

    def _comments(self, stream: str, gaps: list[Gap]) -> None:
        """Fetch the comments of items with missing comments.

        If an item has too many stored comments, request these comments by id and mark the deleted ones.
        """
        due = [gap for gap in gaps if self.gaps.is_due(gap, timezone.now())]
        if not due:
            return
        few = [gap for gap in due if gap.stored < gap.github]
        if len(few) > MANY and self._may_read_again(stream):
            self._read_again(stream)
        else:
            for gap in few:
                self._fetch_comments(stream, gap.number)
        self.verify(stream, [gap.number for gap in due if gap.stored > gap.github])
        stored = live_counts(self.run.repository_id, [gap.number for gap in due])[stream]
        still = [replace(gap, stored=stored[gap.number]) for gap in due if stored[gap.number] != gap.github]
        self.run.counts["not_delivered"] += self.gaps.settle(self.run.scope, due, still)

    def _fetch_comments(self, stream: str, number: int) -> None:
        """Fetch and store all comments of one issue or pull request."""
        run = self.run
        try:
            payloads = fetch_comments(run.client, run.scope.name, stream, number)
        except (NotFound, AccessDenied):
            return
        page = LISTS[stream].convert(payloads, run.repository_id)
        run.count(stream, store_page(LISTS[stream].model, page, scope=run.scope, stream=stream, state=None))

    def _read_again(self, stream: str) -> None:
        """Read a whole list again.

        The position is saved in a separate checkpoint, so that the next run continues if this run is interrupted.
        """
        run, spec, state_name = self.run, LISTS[stream], f"reconcile_{stream}"
        start = load_state(run.repository_id, state_name)
        logger.info("list is read again scope=%s stream=%s", run.scope.name, stream)
        for page in spec.source(run.client, run.scope.name, start, None):
            converted = spec.convert(page.items, run.repository_id)
            run.count(
                stream,
                store_page_again(
                    spec.model, converted, scope=run.scope, stream=stream, place=state_name, state=page.state
                ),
            )
        forget_state(run.repository_id, state_name)
        self.read_again.add(stream)

    def _discussions(self, items: Mapping[int, Item]) -> None:
        """Read discussions again if they are missing or their number of comments and replies differs."""
        run, now = self.run, timezone.now()
        gaps = self._discussion_gaps(items)
        self.gaps.clear_closed(((gap.stream, gap.number) for gap in gaps), items, [DISCUSSIONS, "discussion_comments"])
        due = [gap for gap in gaps if self.gaps.is_due(gap, now)]
        ids = list(dict.fromkeys(items[gap.number]["id"] for gap in due))
        for discussions in self._threads(DISCUSSIONS, ids):
            THREADS[DISCUSSIONS].store(
                run, DISCUSSIONS, THREADS[DISCUSSIONS].convert(discussions, run.repository_id), None
            )
        numbers = {gap.number for gap in due}
        still = self._discussion_gaps({number: items[number] for number in numbers})
        run.counts["not_delivered"] += self.gaps.settle(run.scope, due, still)

    def _discussion_gaps(self, items: Mapping[int, Item]) -> list[Gap]:
        live = live_numbers(self.run.repository_id, DISCUSSIONS)
        missing = [Gap(stream=DISCUSSIONS, number=number, github=1, stored=0) for number in items if number not in live]
        counts = discussion_counts(self.run.repository_id, items)
        return missing + [gap for gap in counts if gap.github != gap.stored]


def _absent(live: Mapping[int, datetime], seen: Collection[int], edge: str, end: str, *, last: bool) -> set[int]:
    """Return the numbers of live items that were opened in the time range of a page but are on no page so far.

    An item that was opened at the same time as the last item of the page may be on the next page. It is checked with
    the next page.
    """
    begin = datetime.fromisoformat(edge) if edge else None
    until = None if last or not end else datetime.fromisoformat(end)
    return {
        number
        for number, opened in live.items()
        if number not in seen and (begin is None or opened >= begin) and (until is None or opened < until)
    }


def github_counts(name: str, item: Item) -> dict[str, int]:
    """Return the number of comments, reviews and events that GitHub counts for an item, by stream."""

    def total(connection: str) -> int:
        return (item.get(connection) or {}).get("totalCount") or 0

    numbers = {"issue_comments": total("comments"), "events": total("timelineItems") - total("posts")}
    if name == "pulls":
        numbers["reviews"] = total("reviews")
        numbers["review_comments"] = max(0, (item.get("totalCommentsCount") or 0) - total("comments"))
    return numbers


def discussion_counts(repository_id: int, items: Mapping[int, Item]) -> list[Gap]:
    """Return the number of comments and replies of each discussion, on GitHub and in the database.

    The result has a ``Gap`` for each discussion, even if both numbers agree. Replies are counted only for the first 100
    comments, because a page of totals contains no more.
    """
    comments, replies = live_discussion_counts(repository_id, items)
    counts: list[Gap] = []
    for number, item in items.items():
        nodes = [node for node in item["comments"]["nodes"] if node]
        total = item["comments"]["totalCount"] + sum(node["replies"]["totalCount"] for node in nodes)
        stored = comments[number] + sum(replies[node["databaseId"]] for node in nodes)
        counts.append(Gap(stream="discussion_comments", number=number, github=total, stored=stored))
    return counts
