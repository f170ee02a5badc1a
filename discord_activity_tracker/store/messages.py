"""Pages of messages: accounts, rows, revisions, timeline, document marks and positions, all or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from core.db.upsert import upsert
from core.ingest.records import PageResult, Record
from core.ingest.skips import record_malformed
from core.ingest.timeline import record_activity
from core.ingest.values import Row
from core.models import Activity
from core.search.documents import DocumentMark, mark_changed
from discord_activity_tracker.convert.exports import EXPORTED
from discord_activity_tracker.convert.messages import differs_in_noise_only
from discord_activity_tracker.models import Message, Revision
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.append_only import NotFresh, Reading, store_fresh
from discord_activity_tracker.store.checkpoints import COLLECTOR, save_states
from discord_activity_tracker.store.conversations import conversations_for
from discord_activity_tracker.store.guilds import add_threads
from discord_activity_tracker.store.people import store_accounts, store_webhooks
from discord_activity_tracker.store.places import Place

SAID = ("attachments", "embeds", "components", "sticker_items", "stickers", "message_snapshots")
"""Parts of the payload that say something beside the content."""


def known_between(channel_id: int, after: int, upto: int) -> set[int]:
    """Ids of live messages in (after, upto]."""
    kept = Message.objects.filter(channel_id=channel_id, id__gt=after, id__lte=upto, deleted_at=None)
    return set(kept.values_list("pk", flat=True))


def store_messages(readings: Sequence[Reading], *, now: datetime, gone: Collection[int] = ()) -> list[PageResult]:
    """Write pages, in their order; rows that are right are not touched.

    Pages of news are written together, in one transaction and a number of statements that does not depend on how many
    they are; others each in its own. ``gone`` are ids of a single page's place that are known to have been deleted.
    """
    if not gone and (stored := _store_fresh(readings)):
        return stored
    if len(readings) > 1:
        return [stored for reading in readings for stored in store_messages([reading], now=now)]
    return [_store_any(reading, now, gone) for reading in readings]


def _store_fresh(readings: Sequence[Reading]) -> list[PageResult] | None:
    """Write pages behind everything that is kept of their channels; nothing when one of them is another.

    Nothing either when they cannot be written together: what is wrong with one page shall cost no other, and an
    account that changed its name between two pages has both names.
    """
    accounts, webhooks = _people(readings)
    if accounts is None:
        return None
    try:
        with transaction.atomic():
            store_webhooks(webhooks.values())
            store_accounts(accounts.values())
            mark_conversations(store_fresh(readings))
            _close(readings)
    except NotFresh:
        return None
    except (DataError, IntegrityError):
        if len(readings) == 1:
            raise
        return None
    return [
        PageResult(
            seen=len(r.page.records),
            inserted=len({record.row["id"] for record in r.page.records}),
            malformed=len(r.page.malformed),
        )
        for r in readings
    ]


def _people(readings: Sequence[Reading]) -> tuple[dict[int, Row] | None, dict[int, Row]]:
    """Accounts and webhooks of all pages; no accounts when two pages tell two things of one."""
    accounts: dict[int, Row] = {}
    webhooks: dict[int, Row] = {}
    for page in (reading.page for reading in readings):
        if any(accounts.get(pk, row) != row for pk, row in page.accounts.items()):
            return None, webhooks
        accounts |= page.accounts
        webhooks |= page.webhooks
    return accounts, webhooks


@transaction.atomic
def _store_any(reading: Reading, now: datetime, gone: Collection[int]) -> PageResult:
    page, place = reading.page, reading.place
    store_webhooks(page.webhooks.values())
    store_accounts(page.accounts.values())
    known = _known(record.row["id"] for record in page.records)
    records = [
        _without_noise(record, known.get(record.row["id"]))
        for record in page.records
        if not _lost_its_words(record.row, known.get(record.row["id"]))
    ]
    rows = [record.row for record in records]
    _keep_revisions(rows, known, now)
    talks = conversations_for(rows, known, place)
    whole = ({**row, "conversation": talks[row["id"]], "reactors_of": {}} for row in rows)
    written = upsert(Message, whole, key=["id"], keep=["conversation", "reactors_of"])
    if unpinned := [row["id"] for row in rows if not row["pinned"] and known.get(row["id"], NOTHING)["pinned_at"]]:
        Message.objects.filter(pk__in=unpinned).update(pinned_at=None)
    changed = {key[0] for key in written.changed}
    deleted = bury_messages(gone, place, now) if gone else 0
    record_activity(
        (replace(r, document=place.document(talks[r.row["id"]])) for r in records if r.row["id"] in changed),
        scope_id=place.scope_id,
    )
    _close([reading])
    return PageResult(
        seen=len(page.records), inserted=len(written.inserted), updated=len(written.updated), deleted=deleted,
        malformed=len(page.malformed),
    )  # fmt: skip


def _close(readings: Sequence[Reading]) -> None:
    """Keep threads, count what is malformed, save the positions: of one that several pages cover, that of the last."""
    positions: dict[tuple[int | str, str], DiscordState | None] = {}
    add_threads(list({row["id"]: row for reading in readings for row in reading.threads}.values()))
    for reading in readings:
        place = reading.place
        positions |= {(place.channel_id, stream): state for stream, state in reading.states.items()}
        scope = f"{place.guild_id}/{place.channel_id}"
        record_malformed(reading.page.malformed, collector=COLLECTOR, scope=scope, stream="messages")
    save_states(positions)


def bury_messages(ids: Collection[int], place: Place, now: datetime) -> int:
    """Turn messages into tombstones, in the caller's transaction; returns how many were alive."""
    alive = Message.objects.filter(pk__in=list(ids), deleted_at=None)
    talks = set(alive.values_list("conversation", flat=True).order_by())
    names = [f"discord:message:{place.guild_id}:{place.channel_id}:{pk}" for pk in ids]
    buried = alive.update(deleted_at=now)
    Activity.objects.filter(source_system="discord", external_id__in=names, deleted_at=None).update(deleted_at=now)
    mark_conversations({place: talks})
    return buried


def mark_conversations(conversations: Mapping[Place, Iterable[int]]) -> None:
    """Say that these conversations show something else now."""
    mark_changed(
        DocumentMark(
            source_system="discord", external_id=place.document(first), kind="conversation", scope_id=place.scope_id
        )
        for place, talks in conversations.items()
        for first in set(talks)
    )


KNOWN = ("id", "content", "edited_at", "payload", "conversation", "created_at", "pinned_at")
NOTHING: Mapping[str, Any] = {"pinned_at": None}


def _known(ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in Message.objects.filter(pk__in=list(ids)).values(*KNOWN)}


def _lost_its_words(row: Row, old: Mapping[str, Any] | None) -> bool:
    """Whether a message came empty although nobody edited it: the bot lost the right to read contents meanwhile."""
    return bool(old and old["content"] and not row["content"] and old["edited_at"] == row["edited_at"])


def _without_noise(record: Record, old: Mapping[str, Any] | None) -> Record:
    """Return the record with the stored payload if the new one differs only in what Discord changes by itself."""
    row = record.row
    if old is None or old["edited_at"] != row["edited_at"] or old["payload"] == row["payload"]:
        return record
    if not differs_in_noise_only(old["payload"], row["payload"]):
        return record
    return replace(record, row={**row, "payload": old["payload"]})


def _keep_revisions(rows: Sequence[Row], known: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    replaced = [
        {
            "message_id": row["id"],
            "content": old["content"],
            "payload": old["payload"],
            "written_at": old["edited_at"] or old["created_at"],
            "replaced_at": row["edited_at"] if row["edited_at"] and row["edited_at"] != old["edited_at"] else now,
        }
        for row in rows
        if (old := known.get(row["id"])) and _says_else(row, old)
    ]
    upsert(Revision, replaced, key=["message_id", "written_at", "replaced_at"])


def _says_else(row: Row, old: Mapping[str, Any]) -> bool:
    """Whether the message was edited.

    An export writes names for mentions: what differs from it without an edit is none. Nor are link previews, which
    Discord adds, renews and removes without an edit.
    """
    before, after = old["payload"], row["payload"]
    edited = old["edited_at"] != row["edited_at"]
    if EXPORTED in before and EXPORTED not in after and not edited:
        return False
    parts = [part for part in SAID if before.get(part) and (edited or part != "embeds")]
    return old["content"] != row["content"] or any(
        not differs_in_noise_only(before[part], after.get(part), part) for part in parts
    )
