"""Writes the timeline (``Activity`` rows), and requests a re-index of the documents that changed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.db.upsert import upsert
from core.ingest.records import Record
from core.models import Activity
from core.protocols import ActivityRecord
from core.search.documents import DocumentMark, mark_changed

NO_NAMES: Mapping[str, str] = {}


def record_activity(
    records: Iterable[Record],
    *,
    scope_id: int,
    actor_names: Mapping[str, str] = NO_NAMES,
    keep: Sequence[str] = (),
    guarded: Mapping[str, str] | None = None,
) -> None:
    """Write the timeline rows of new and changed records, and request a re-index of their documents.

    Runs at most two statements. Call it in the transaction that writes the rows of the records. ``actor_names`` maps
    account ids to names that replace the names in the records. ``keep`` and ``guarded`` are options of ``upsert``.
    """
    changed = list(records)
    rows = (
        activity_row(
            record.activity, scope_id=scope_id, document=record.document, deleted_at=record.row.get("deleted_at"),
            actor_names=actor_names,
        )
        for record in changed
    )  # fmt: skip
    upsert(Activity, rows, key=["source_system", "external_id"], keep=keep, guarded=guarded)
    mark_changed(
        {
            DocumentMark(
                source_system=record.activity.source_system, external_id=record.document, kind=record.kind,
                scope_id=scope_id,
            )
            for record in changed
            if record.document
        }
    )  # fmt: skip


def activity_row(
    activity: ActivityRecord,
    *,
    scope_id: int,
    document: str = "",
    deleted_at: datetime | None = None,
    actor_names: Mapping[str, str] = NO_NAMES,
) -> dict[str, Any]:
    """Return the timeline row of an activity.

    Uses the optional attributes ``actor_name``, ``thread`` and ``edited_at`` if the activity has them. ``document`` is
    the thread of an activity without ``thread``.
    """
    actor = activity.actor_external_id
    return {
        "source_system": activity.source_system,
        "external_id": activity.external_id,
        "scope_id": scope_id,
        "thread": getattr(activity, "thread", "") or document,
        "activity_type": activity.activity_type,
        "occurred_at": datetime.fromisoformat(activity.occurred_at),
        "edited_at": getattr(activity, "edited_at", None),
        "deleted_at": deleted_at,
        "actor_external_id": actor,
        "actor_name": actor_names.get(actor) or getattr(activity, "actor_name", ""),
        "source_url": activity.source_url,
        "summary": activity.summary,
    }
