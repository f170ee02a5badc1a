"""Skips, the items that could not be collected (``SkippedItem``): record, retry and clear skips."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.records import Malformed
from core.models import SkippedItem
from core.runs import current_run

logger = logging.getLogger(__name__)

MOST_RETRIES = 500
"""Maximum number of requested retries in one scope and run.

Each retry costs a request, so more retries would leave less of the budget for new items.
"""


def record_skip(
    *,
    collector: str,
    scope: str,
    stream: str,
    external_id: str,
    reason: str,
    detail: str = "",
    payload: Any = None,
    now: datetime | None = None,
) -> None:
    """Record an item that could not be collected. If the item is already recorded, count one more attempt."""
    moment, run = now or timezone.now(), current_run()
    row = {
        "run_id": run.pk if run else None, "collector": collector, "scope": scope, "stream": stream,
        "external_id": external_id, "reason": reason, "detail": detail, "payload": payload,
        "first_seen_at": moment, "last_seen_at": moment, "attempts": 1, "cleared_at": None, "retry_requested_at": None,
    }  # fmt: skip
    identity = ["collector", "scope", "stream", "external_id"]
    if not upsert(SkippedItem, [row], key=identity, keep=["first_seen_at", "attempts"]).inserted:
        SkippedItem.objects.filter(**{name: row[name] for name in identity}).update(attempts=F("attempts") + 1)
    logger.warning(
        "skipped collector=%s scope=%s stream=%s id=%s reason=%s", collector, scope, stream, external_id, reason
    )


def record_malformed(items: Sequence[Malformed], *, collector: str, scope: str, stream: str) -> int:
    """Record each malformed item as a skip with its payload. Returns the number of items."""
    for item in items:
        record_skip(
            collector=collector, scope=scope, stream=stream, external_id=item.external_id, reason="malformed",
            detail=item.reason, payload=item.payload,
        )  # fmt: skip
    return len(items)


def request_retry(items: "QuerySet[SkippedItem]") -> int:
    """Make the next run retry these items first. Cleared items are ignored. Returns the number of items."""
    return items.filter(cleared_at=None).update(retry_requested_at=timezone.now())


def skips_to_retry(
    *, collector: str, scope: str, streams: Collection[str], reasons: Collection[str], at_once: int
) -> list[SkippedItem]:
    """Return the open items that a run should retry: requested retries first, then the least recently tried items.

    Returns at most ``at_once`` items. If more retries were requested, returns the requested retries up to
    ``MOST_RETRIES``.
    """
    waiting = SkippedItem.objects.filter(
        collector=collector, scope=scope, stream__in=streams, reason__in=reasons, cleared_at=None
    ).order_by(F("retry_requested_at").asc(nulls_last=True), "last_seen_at", "pk")
    requested = waiting.exclude(retry_requested_at=None).count()
    return list(waiting[: max(at_once, min(requested, MOST_RETRIES))])


def record_failed_retry(item: SkippedItem) -> None:
    """Count another failed attempt, and remove the request to retry the item."""
    SkippedItem.objects.filter(pk=item.pk).update(
        last_seen_at=timezone.now(), attempts=F("attempts") + 1, retry_requested_at=None
    )


def clear_skips(*, collector: str, scope: str, stream: str, external_id: str | None = None) -> int:
    """Clear the open items of a stream after they were collected. With ``external_id``, clear only this item.

    Returns the number of cleared items.
    """
    open_items = SkippedItem.objects.filter(collector=collector, scope=scope, stream=stream, cleared_at=None)
    if external_id is not None:
        open_items = open_items.filter(external_id=external_id)
    return open_items.update(cleared_at=timezone.now(), retry_requested_at=None)
