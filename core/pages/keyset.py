"""Pages by key: the millionth row is as near as the first, and rows that come in between move no page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.models import Activity
from core.pages.parameters import cursor, written


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysetPage:
    """Rows in the order of the list; ``earlier`` and ``later`` are marks to go on from, empty at either end."""

    rows: Sequence[Activity]
    later: str = ""
    earlier: str = ""


def page(rows: QuerySet[Activity], asked: Any, size: int, *, newest_first: bool) -> KeysetPage:
    """One page of activities, ordered by time and id. ``asked`` holds the marks ``before`` or ``after``."""
    before, after = cursor(asked.get("before")), cursor(asked.get("after"))
    descending = bool(before) or (newest_first and not after)
    ordered = rows.order_by("-occurred_at", "-id") if descending else rows.order_by("occurred_at", "id")
    if before:
        ordered = ordered.filter(Q(occurred_at__lte=before[0]) & ~Q(occurred_at=before[0], id__gte=before[1]))
    elif after:
        ordered = ordered.filter(Q(occurred_at__gte=after[0]) & ~Q(occurred_at=after[0], id__lte=after[1]))
    found = list(ordered[: size + 1])
    more, found = len(found) > size, found[:size]
    # Found from the newest to the oldest, or the other way round.
    if not found:
        return KeysetPage(rows=[])
    newest, oldest = (found[0], found[-1]) if descending else (found[-1], found[0])
    has_later = bool(before) or (not descending and more)
    has_earlier = bool(after) or (descending and more)
    return KeysetPage(
        rows=found if descending == newest_first else found[::-1],
        later=written(newest.occurred_at, newest.pk) if has_later else "",
        earlier=written(oldest.occurred_at, oldest.pk) if has_earlier else "",
    )
