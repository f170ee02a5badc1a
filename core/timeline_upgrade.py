"""Continues the upgrade of the timeline: moves the rows of an earlier release in small transactions."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from core.ingest.timeline_move import SLICE, Row, drop_if_empty, is_moving, move_slice, rows_to_move
from core.models import CollectorRun
from core.operations.bounds import time_left
from core.trackers import tracker_of

logger = logging.getLogger(__name__)
NEWEST = (1 << 63) - 1
AFTER_RUN = 60.0
"""Maximum seconds that a collection moves rows after its end. A longer time would delay the next command of a job."""


def after_run(sender: object, run: CollectorRun, **kwargs: object) -> None:
    """Move rows for at most ``AFTER_RUN`` seconds after a run that was not interrupted and did not fail.

    This is a receiver of ``core.runs.run_finished``.
    """
    del sender, kwargs
    if run.outcome in {"succeeded", "partial"} and is_moving():
        left = time_left()
        moved = move_timeline(AFTER_RUN if left is None else min(left, AFTER_RUN))
        logger.info("moved %d activities of the earlier release, %d left", moved, rows_to_move())


def move_timeline(seconds: float | None = None, say: Callable[[int], None] = lambda _: None, size: int = SLICE) -> int:
    """Move rows, newest first, until none is left or ``seconds`` have passed. Returns the number of moved rows.

    ``say`` is called with the number of rows after each transaction. The table of the earlier release is dropped
    when it is empty. Safe to run next to collections and next to another call.
    """
    ends, moved, below = time.monotonic() + seconds if seconds is not None else None, 0, NEWEST
    while is_moving() and (ends is None or time.monotonic() < ends):
        number, lowest = move_slice(below, _slim, size)
        moved += number
        say(number)
        if number:
            below = lowest
        elif drop_if_empty() or below == NEWEST:
            break  # if rows are left, another process is moving them
        else:
            below = NEWEST
    return moved


def _slim(rows: list[Row]) -> None:
    """Empty the texts that trackers compute, and set ``common``."""
    by_source = defaultdict[str, list[Row]](list)
    for row in rows:
        by_source[row["source_system"]].append(row)
    for source, of_source in by_source.items():
        tracker = tracker_of(source)
        if tracker is None:
            continue
        activities: Any = [SimpleNamespace(**row) for row in of_source]
        texts = tracker.activity_texts(activities)
        written = tracker.bodies(list(texts)) if texts else {}
        for row in of_source:
            row["common"] = row["activity_type"] in tracker.common_types
            if computed := texts.get(row["external_id"]):
                for name in ("actor_name", "source_url", "summary"):
                    is_found = name != "summary" or written.get(row["external_id"], "").strip()
                    if row[name] == getattr(computed, name) and is_found:
                        row[name] = ""
