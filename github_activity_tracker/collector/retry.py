"""Retries skipped items. A skip is cleared when the item can be read or no longer exists."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.errors import AccessDenied, NotFound, SliceRefused, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_failed_retry, record_skip, skips_to_retry
from core.models import SkippedItem
from github_activity_tracker.collector.failures import UNFORESEEN, Failure
from github_activity_tracker.collector.run import Run
from github_activity_tracker.collector.streams import COMMENT_STATES, COMMITS, LISTS, THREADS, expect_authors
from github_activity_tracker.convert.commits import convert_commits
from github_activity_tracker.fetch.commits import LocalHistory
from github_activity_tracker.fetch.rest import fetch_item
from github_activity_tracker.fetch.states import fetch_review_threads
from github_activity_tracker.fetch.threads import fetch_thread, fetch_thread_behind, fetch_thread_details
from github_activity_tracker.models import PullRequest
from github_activity_tracker.protocol_impl import SHORTFALL
from github_activity_tracker.store.commits import store_commits
from github_activity_tracker.store.gaps import UNSERVED
from github_activity_tracker.store.pages import COLLECTOR, store_page
from github_activity_tracker.store.states import store_review_threads

logger = logging.getLogger(__name__)
AT_ONCE = 20
"""Maximum number of malformed and refused items that a run retries, so that many failures do not delay the run.

Retries that an operator requested come first and may exceed this number.
"""
REASONS = ("malformed", "refused")
WITHHELD = ("incomplete", "denied", "not_found")
"""Reasons of skips that are retried at growing intervals, because GitHub may never return these items."""
PROMPT_ATTEMPTS = 3
"""Number of attempts without a minimum interval.

A failure during these attempts makes the run partial. Later failures do not, because GitHub may never return the item.
"""
LONGEST_WAIT = timedelta(days=30)
"""Maximum interval between two attempts. A longer interval saves requests but finds restored items later."""
CANDIDATES = 200
"""Maximum number of skips with a reason in ``WITHHELD`` that a run considers. It retries the due skips.

One request returns up to 25 items with node ids. A larger number would cost more requests per run.
"""


def items_to_retry(run: Run, *, git_only: bool = False) -> list[SkippedItem]:
    """Return the skipped items that a run retries. With ``git_only``, return only commits.

    Skips of whole streams are not included, because each run reads these streams again anyway.
    """
    streams = [COMMITS] if git_only else [COMMITS, *LISTS, *((*THREADS, COMMENT_STATES) if run.node_id else ())]
    malformed = skips_to_retry(
        collector=COLLECTOR, scope=run.scope.external_id, streams=streams, reasons=REASONS, at_once=AT_ONCE
    )
    withheld = skips_to_retry(
        collector=COLLECTOR, scope=run.scope.external_id, streams=streams, reasons=WITHHELD, at_once=CANDIDATES
    )
    now = timezone.now()
    # A skip with UNSERVED stands for an instant, not for an item. A comparison finds the missing items of the instant.
    items = [item for item in withheld if ":" in item.external_id and UNSERVED not in item.external_id]
    due = [*malformed, *(item for item in items if item.retry_requested_at or is_due(item, now))]
    return [item for item in due if item.stream != COMMENT_STATES or _node_id(item)]


def is_due(item: SkippedItem, now: datetime) -> bool:
    """Return whether an item with a reason in ``WITHHELD`` is due.

    It is due in each run until it has had ``PROMPT_ATTEMPTS`` attempts. Later it is due after 1, 2, 4, ... hours, at
    most ``LONGEST_WAIT``.
    """
    later = item.attempts - PROMPT_ATTEMPTS
    if later < 0:
        return True
    return now - item.last_seen_at >= min(timedelta(hours=2 ** min(later, 12)), LONGEST_WAIT)


def retry_skipped(run: Run, waiting: Sequence[SkippedItem] | None = None) -> None:
    """Retry skipped items.

    ``waiting`` is an earlier result of ``items_to_retry``. By default, this function calls ``items_to_retry``.
    """
    left = items_to_retry(run) if waiting is None else list(waiting)
    still_open = SkippedItem.objects.filter(pk__in=[item.pk for item in left], cleared_at=None)
    open_keys = set(still_open.values_list("pk", flat=True)) if left else set[int]()
    left = [item for item in left if item.pk in open_keys]  # the streams of this run may have read some of the items
    known = {
        stream: [item for item in left if item.stream == stream and _node_id(item)] for stream in THREADS
    }  # fmt: skip
    for stream, items in known.items():
        if items:
            _retry_known(run, stream, items)
    if threads := [item for item in left if item.stream == COMMENT_STATES]:
        _retry_review_threads(run, threads)
    for item in left:
        if not _node_id(item):
            _settle(run, item, _retry_one(run, item))


def _node_id(item: SkippedItem) -> str:
    """Return the node id of an item, or an empty string. Items with node ids are requested together."""
    return str(item.payload.get("id") or "") if isinstance(item.payload, dict) and "lists" in item.payload else ""


def _retry_known(run: Run, stream: str, items: Sequence[SkippedItem]) -> None:
    """Request and store items by node id, several per request. Clear the skips of complete items."""
    by_id = {_node_id(item): item for item in items}
    for details in fetch_thread_details(run.client, stream, list(by_id), run.scope.name):
        content = THREADS[stream].convert(details.items, run.repository_id)
        THREADS[stream].store(run, stream, content, None)
        malformed = {entry.external_id for entry in content.malformed}
        for thread in details.items:
            item = by_id[thread["id"]]
            if shortfall := thread.get(SHORTFALL):
                _note(run, item, shortfall)
            else:
                _settle(run, item, not any(name.endswith(f":{thread['number']}") for name in malformed))
        for node_id, reason in details.absent.items():
            _settle(run, by_id[node_id], reason == "not_found" and _may_be_gone(by_id[node_id]))


def _retry_review_threads(run: Run, items: Sequence[SkippedItem]) -> None:
    """Request and store the review threads of pull requests with missing review threads."""
    by_id = {_node_id(item): item for item in items}
    pulls = [(node_id, _threads_expected(item)) for node_id, item in by_id.items()]
    for answers in fetch_review_threads(run.client, pulls, run.scope.name):
        with transaction.atomic():
            store_review_threads(run.scope, answers, run.client.server_time or timezone.now())
            for node_id, pull in answers.items():
                if pull and (shortfall := pull.get(SHORTFALL)):
                    _note(run, by_id[node_id], shortfall)
                else:
                    is_gone = not PullRequest.objects.filter(node_id=node_id, deleted_at=None).exists()
                    _settle(run, by_id[node_id], bool(pull) or is_gone)


def _threads_expected(item: SkippedItem) -> int:
    """Return the number of review threads that GitHub counted when the item was skipped."""
    return max((int(total) for total, _ in item.payload["lists"].values()), default=0)


def _note(run: Run, item: SkippedItem, shortfall: dict[str, object]) -> None:
    """Record an attempt after which the item is still incomplete."""
    payload = {"id": _node_id(item), "lists": shortfall["lists"], "detail": shortfall["detail"]}
    record_skip(
        collector=COLLECTOR, scope=item.scope, stream=item.stream, external_id=item.external_id,
        reason=str(shortfall["reason"]), detail=str(shortfall["detail"]), payload=payload,
    )  # fmt: skip
    if item.attempts < PROMPT_ATTEMPTS:
        run.counts[f"{item.stream}_incomplete"] += 1


def _may_be_gone(item: SkippedItem) -> bool:
    """Return whether another "not found" proves that an item no longer exists.

    If "not found" was the reason of the skip, a second attempt must confirm it.
    """
    return item.reason != "not_found" or item.attempts > 1


def _settle(run: Run, item: SkippedItem, good: bool) -> None:
    if good:
        clear_skips(collector=COLLECTOR, scope=item.scope, stream=item.stream, external_id=item.external_id)
        run.counts["skips_cleared"] += 1
        return
    record_failed_retry(item)
    if item.reason in WITHHELD and item.attempts < PROMPT_ATTEMPTS:
        run.counts[f"{item.stream}_refused"] += 1


def _retry_one(run: Run, item: SkippedItem) -> bool:
    try:
        if item.stream == COMMITS:
            return _commit(run, item)
        return _list_item(run, item) if item.stream in LISTS else all(_thread(run, item))
    except NotFound:
        return _may_be_gone(item)  # an item that no longer exists need not be read
    except (SliceRefused, AccessDenied):
        return False
    except (UnexpectedAnswer, *UNFORESEEN) as error:  # a malformed response does not stop the other items
        Failure.of(error, where=f"{item.stream} {item.external_id} of {run.scope.name}")
        return False


def _list_item(run: Run, item: SkippedItem) -> bool:
    """Fetch one issue or comment over REST and store it. Return whether it could be converted."""
    payload = fetch_item(run.client, run.scope.name, item.stream, item.external_id, item.payload)
    spec = LISTS[item.stream]
    page = spec.convert([payload], run.repository_id)
    run.count(item.stream, store_page(spec.model, page, scope=run.scope, stream=item.stream, state=None))
    return not page.malformed


def _commit(run: Run, item: SkippedItem) -> bool:
    """Store one commit from the local clone. Return whether it could be converted or is no longer in the clone."""
    known = item.payload.get("sha") if isinstance(item.payload, dict) else None
    commit = LocalHistory(run.scope.name, run.repository_id).commit(str(known or item.external_id))
    if commit is None:
        return True
    page = convert_commits([commit], run.repository_id, run.scope.url)
    expect_authors(run.repository_id)  # a later run then looks up the author
    run.count(COMMITS, store_commits(page, scope=run.scope, done=None))
    return not page.malformed


def _thread(run: Run, item: SkippedItem) -> Iterator[bool]:
    """Fetch and store a pull request, issue timeline or discussion. Yield whether it was found, valid and complete."""
    if ":after:" in item.external_id:
        after = item.payload.get("after") if isinstance(item.payload, dict) else None
        details = fetch_thread_behind(run.client, item.stream, run.node_id, run.scope.name, after)
        yield not details.absent
        items = details.items
    else:
        items = [fetch_thread(run.client, run.node_id, item.stream, item.external_id, run.scope.name)]
    content = THREADS[item.stream].convert(items, run.repository_id)
    THREADS[item.stream].store(run, item.stream, content, None)
    yield not content.malformed
    yield not any(SHORTFALL in thread for thread in items)
