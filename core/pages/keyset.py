"""Pagination by key: every page takes the same time, and new rows do not shift the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from core.models import Activity
from core.pages.parameters import cursor, cursor_text
from core.timeline import add_texts


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysetPage:
    """The rows of a page in the order of the list.

    ``earlier`` is the cursor of the page with earlier activities, and ``later`` is the cursor of the page with later
    activities. A cursor is empty if there is no such page.
    """

    rows: Sequence[Activity]
    later: str = ""
    earlier: str = ""


def page(queries: Sequence[QuerySet[Activity]], query: Any, size: int, *, newest_first: bool) -> KeysetPage:
    """Return a page of at most ``size`` activities, ordered by time and id, with the texts that trackers compute.

    ``queries`` select the activities of the list, each activity once. ``query`` contains the query parameters of the
    request. With the cursor ``before``, the page contains the activities directly before the cursor. With the cursor
    ``after``, it contains the activities directly after the cursor. Without a cursor, the page is the first page of the
    list.
    """
    before, after = cursor(query.get("before")), cursor(query.get("after"))
    descending = bool(before) or (newest_first and not after)
    order = ("-occurred_at", "-id") if descending else ("occurred_at", "id")
    condition = Q()
    if before:
        condition = Q(occurred_at__lte=before[0]) & ~Q(occurred_at=before[0], id__gte=before[1])
    elif after:
        condition = Q(occurred_at__gte=after[0]) & ~Q(occurred_at=after[0], id__lte=after[1])
    found = [row for rows in queries for row in rows.filter(condition).order_by(*order)[: size + 1]]
    if len(queries) > 1:
        found.sort(key=_position, reverse=descending)
    more, selected = len(found) > size, add_texts(found[:size])
    if not selected:
        return KeysetPage(rows=[])
    newest, oldest = (selected[0], selected[-1]) if descending else (selected[-1], selected[0])
    has_later = bool(before) or (not descending and more)
    has_earlier = bool(after) or (descending and more)
    return KeysetPage(
        rows=selected if descending == newest_first else selected[::-1],
        later=cursor_text(newest.occurred_at, newest.pk) if has_later else "",
        earlier=cursor_text(oldest.occurred_at, oldest.pk) if has_earlier else "",
    )


def _position(row: Activity) -> tuple[datetime, int]:
    return row.occurred_at, row.id
