"""Measures the cost of the triggers that update the weekly counts when activities are written.

The benchmark writes the same pages of activities with and without the triggers.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction

from bench.synthetic_activity import FIELDS, TYPES, activities, copy, scopes
from core.ingest.timeline import write_activities
from core.models import Scope

PAGES, ITEMS = 300, 100


def _pages() -> Iterator[list[dict[str, Any]]]:
    """Yield pages of activities. All activities of a page have the same source."""
    rows = [dict(zip(FIELDS, row, strict=True)) | {"common": False} for row in activities(PAGES * ITEMS)]
    for source in TYPES:
        of_source = [row for row in rows if row["source_system"] == source]
        yield from (of_source[start : start + ITEMS] for start in range(0, len(of_source), ITEMS))


def _seconds(pages: Sequence[list[dict[str, Any]]], *, counted: bool) -> float:
    """Return the seconds for writing the pages to an empty table, with one transaction per page, as collectors do."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE core_activity {'ENABLE' if counted else 'DISABLE'} TRIGGER USER")
        cursor.execute("TRUNCATE core_activity, core_activityweek, core_personweek")
    began = time.perf_counter()
    for page in pages:
        with transaction.atomic():
            write_activities(page)
    return time.perf_counter() - began


def measure() -> str:
    """Return one line with the best times of three alternating rounds."""
    if not Scope.objects.exists():
        copy(
            "core_scope",
            ["id", "source_system", "external_id", "name", "url", "last_completed_at", "not_before"],
            scopes(),
        )
    pages = list(_pages())
    taken = [(_seconds(pages, counted=False), _seconds(pages, counted=True)) for _ in range(3)]
    bare, counted = (min(column) for column in zip(*taken, strict=True))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE core_activity, core_activityweek, core_personweek, core_scope CASCADE")
    return (
        f"writing activities with weekly counts / without: {counted:.2f} s / {bare:.2f} s = {counted / bare:.2f}"
        f" ({PAGES} pages of {ITEMS})"
    )
