"""Writes the timeline (``Activity`` rows), and requests a re-index of the documents that changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Q

from core.db.activity_keys import ExternalId, activity_keys, in_threads, split_external_id, with_external_ids
from core.db.upsert import upsert
from core.ingest.records import Record
from core.ingest.timeline_move import bring_over, bring_over_scope, bring_over_threads
from core.ingest.values import account_number
from core.models import Activity, Scope
from core.protocols import ActivityRecord
from core.search.documents import DocumentMark, mark_changed

AT_ONCE = 500
"""Number of external ids in one statement. Each different beginning of an id needs its own part of the statement."""
NO_NAMES: Mapping[str, str] = {}
COLUMNS = {"actor_external_id": "actor", "activity_type": "type_id"}
"""Columns of the timeline with other names than the attributes of ``ActivityRecord``."""


def record_activity(
    records: Iterable[Record],
    *,
    scope_id: int,
    actor_names: Mapping[str, str] = NO_NAMES,
    keep: Sequence[str] = (),
    guarded: Mapping[str, str] | None = None,
) -> None:
    """Write the timeline rows of new and changed records, and request a re-index of their documents.

    Runs at most three statements once the timeline of an earlier release has moved. Call it in the transaction that
    writes the rows of the records. ``actor_names`` maps account ids to names that replace the names in the records.
    ``keep`` and ``guarded`` are options of ``upsert`` with the names of ``ActivityRecord``, but not for the external id
    and the thread.
    """
    changed = list(records)
    write_activities(
        [
            activity_row(
                record.activity, scope_id=scope_id, document=record.document, deleted_at=record.row.get("deleted_at"),
                actor_names=actor_names,
            )
            for record in changed
        ],
        keep=keep, guarded=guarded,
    )  # fmt: skip
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
    """Return the values of an activity with the names of the contract.

    Uses the optional attributes ``actor_name``, ``thread``, ``edited_at`` and ``common`` if the activity has them.
    ``document`` is the thread of an activity without ``thread``.
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
        "common": getattr(activity, "common", False),
    }


def write_activities(
    rows: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = (), guarded: Mapping[str, str] | None = None
) -> None:
    """Insert or update the timeline rows with these values (see ``activity_row``). Unchanged rows are not written.

    All rows have the same source. Raises ValueError if the id of an account is not a number.
    """
    if not rows:
        return
    source = rows[0]["source_system"]
    bring_over(source, [row["external_id"] for row in rows])
    upsert(
        Activity,
        compact_rows(rows),
        key=["number", "prefix_id", "code"],
        keep=[COLUMNS.get(name, name) for name in keep],
        guarded={COLUMNS.get(name, name): COLUMNS.get(decider, decider) for name, decider in (guarded or {}).items()},
    )


def compact_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns of timeline rows with these values. Creates missing types and beginnings of external ids."""
    if not rows:
        return []
    source = rows[0]["source_system"]
    ids = [split_external_id(row["external_id"]) for row in rows]
    threads = [split_external_id(row["thread"]) if row["thread"] else None for row in rows]
    keys = activity_keys(
        source,
        prefixes=(one.prefix for one in (*ids, *threads) if one),
        types=(row["activity_type"] for row in rows),
    )
    return [
        {
            "occurred_at": row["occurred_at"], "number": own.number,
            "thread_number": thread.number if thread else None, "actor": account_number(row["actor_external_id"]),
            "edited_at": row["edited_at"], "deleted_at": row["deleted_at"], "scope_id": row["scope_id"],
            "prefix_id": keys.prefixes[own.prefix],
            "thread_prefix_id": keys.prefixes[thread.prefix] if thread else None,
            "type_id": keys.types[row["activity_type"]], "common": row["common"], "code": _bytea(own) or r"\x",
            "thread_code": _bytea(thread) if thread else None, "actor_name": row["actor_name"] or None,
            "source_url": row["source_url"] or None, "summary": row["summary"] or None,
        }
        for row, own, thread in zip(rows, ids, threads, strict=True)
    ]  # fmt: skip


def _bytea(parts: ExternalId) -> str | None:
    r"""Return the code as PostgreSQL reads it from a text, such as ``\x74``, or ``None`` if there is no code."""
    return rf"\x{parts.code.hex()}" if parts.code else None


def mark_activities_deleted(source_system: str, external_ids: Iterable[str], now: datetime) -> None:
    """Mark activities as deleted."""
    for names in _portions(external_ids):
        bring_over(source_system, names)
        _mark_deleted(with_external_ids(source_system, names), now)


def mark_threads_deleted(source_system: str, threads: Iterable[str], now: datetime) -> None:
    """Mark all activities of these threads as deleted."""
    for names in _portions(threads):
        bring_over_threads(source_system, names)
        _mark_deleted(in_threads(source_system, names), now)


def _portions(names: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(names)
    return iter(lambda: list(islice(waiting, AT_ONCE)), [])


def _mark_deleted(condition: Q, now: datetime) -> None:
    Activity.objects.filter(condition, deleted_at=None).update(deleted_at=now)


def threads_of(source_system: str, external_ids: Sequence[str]) -> list[str]:
    """Return the external ids of the threads that contain these activities, each once."""
    bring_over(source_system, external_ids)
    rows = Activity.objects.filter(with_external_ids(source_system, external_ids)).order_by()
    return list(rows.exclude(thread_prefix=None).values_list("thread", flat=True).distinct())


def times_of(source_system: str, external_ids: Sequence[str]) -> dict[str, datetime]:
    """Return the times of stored activities by external id."""
    bring_over(source_system, external_ids)
    rows = Activity.objects.filter(with_external_ids(source_system, external_ids))
    return dict(rows.values_list("external_id", "occurred_at"))


def accounts_in_scope(source_system: str, scope: str) -> list[int]:
    """Return the ids of the accounts with activities in the scope with this external id, each once."""
    stored = Scope.objects.filter(source_system=source_system, external_id=scope).first()
    if stored is None:
        return []
    bring_over_scope(stored.pk)
    rows = Activity.objects.filter(scope=stored, actor__isnull=False).order_by()
    return list(rows.values_list("actor", flat=True).distinct())


def set_actors(source_system: str, actors: Mapping[str, tuple[int, str]]) -> list[str]:
    """Set the account and the name of activities by external id. Returns the external ids of those not deleted."""
    bring_over(source_system, list(actors))
    rows = list(Activity.objects.filter(with_external_ids(source_system, actors)))
    for row in rows:
        row.actor, row.actor_name = actors[row.external_id]
    Activity.objects.bulk_update(rows, ["actor", "actor_name"], batch_size=500)
    return [row.external_id for row in rows if row.deleted_at is None]
