"""Activities on the timeline, with the names of the contract."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.ingest.timeline import write_activities
from core.models import Activity
from core.timeline import add_texts

EMPTY = {
    "thread": "", "edited_at": None, "deleted_at": None, "actor_external_id": "", "actor_name": "", "source_url": "",
    "summary": "", "common": False,
}  # fmt: skip


def make_activities(rows: Iterable[Mapping[str, Any]]) -> list[Activity]:
    """Store activities with these values, and return them in the same order. ``scope`` is a scope."""
    complete: list[dict[str, Any]] = [
        EMPTY | {name: value for name, value in row.items() if name != "scope"} | {"scope_id": row["scope"].pk}
        for row in rows
    ]
    for source in sorted({row["source_system"] for row in complete}):
        write_activities([row for row in complete if row["source_system"] == source])
    stored = {(row.source_system, row.external_id): row for row in Activity.objects.all()}
    return [stored[row["source_system"], row["external_id"]] for row in complete]


def make_activity(**row: Any) -> Activity:
    """Store one activity, and return it. See ``make_activities``."""
    return make_activities([row])[0]


def shown_activities() -> list[Activity]:
    """Return all activities with the texts that trackers compute, oldest first."""
    return list(add_texts(list(Activity.objects.order_by("occurred_at", "pk"))))
