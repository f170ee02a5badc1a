"""Write pages of messages. Accounts, rows, revisions, timeline, index queue and positions share one transaction.

There are two ways. If all messages of the pages are newer than the stored messages of their channels, as in a first
run, the pages are appended. In this case, several pages of several channels are sent as one JSON value and become
messages and timeline rows in one SQL statement. All other pages are written one by one and compared with the stored
rows. The result is the same either way.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from core.db.activity_keys import Keys, activity_keys
from core.db.binding import separate_parameters
from core.db.upsert import as_json, upsert
from core.ingest.records import PageResult, Record
from core.ingest.skips import record_malformed
from core.ingest.timeline import mark_activities_deleted, record_activity
from core.ingest.values import Row
from discord_activity_tracker.convert.exports import EXPORTED
from discord_activity_tracker.convert.message_text import is_blank
from discord_activity_tracker.convert.messages import MessagePage, MessageRecord
from discord_activity_tracker.convert.noise import differs_in_noise_only
from discord_activity_tracker.models import Message, Revision
from discord_activity_tracker.protocol_impl import COMMON_TYPES, DiscordActivity, DiscordState
from discord_activity_tracker.store.checkpoints import COLLECTOR, save_states
from discord_activity_tracker.store.conversations import (
    Location,
    append_to_conversations,
    assign_conversations,
    request_reindex,
)
from discord_activity_tracker.store.guilds import insert_threads
from discord_activity_tracker.store.people import store_accounts, store_webhooks

REVISED_PARTS = ("attachments", "embeds", "components", "sticker_items", "stickers", "message_snapshots")
"""Parts of the payload. If one of them is changed or removed, the message counts as edited. See ``_is_edited``."""
STORED_FIELDS = ("id", "content", "edited_at", "payload", "conversation", "created_at", "pinned_at")
"""Fields of stored messages to read before new versions of the messages are written."""
NOT_STORED: Mapping[str, Any] = {"pinned_at": None}
LAST_MESSAGES = """
    SELECT requested.channel, last.id, last.created_at, last.conversation, (
        SELECT count(*) FROM discord_activity_tracker_message AS m WHERE m.conversation = last.conversation
    ) FROM unnest(%s::bigint[]) AS requested (channel), LATERAL (
        SELECT id, created_at, conversation FROM discord_activity_tracker_message
        WHERE channel_id = requested.channel ORDER BY id DESC LIMIT 1
    ) AS last
"""
"""Select the last stored message of each channel, and the size of its conversation."""
APPEND = """
    WITH incoming AS (
        SELECT * FROM json_to_recordset(%s::json) AS g (
            id bigint, channel_id bigint, author_id bigint, webhook_name text, type int, content text,
            created_at timestamptz, edited_at timestamptz, pinned boolean, reply_to bigint, reactions jsonb,
            payload jsonb, conversation bigint, kind smallint, common boolean, summary text)
    ), locations AS (
        SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[])
            AS p (channel_id, scope_id, message_prefix, conversation_prefix)
    ), messages AS (
        INSERT INTO discord_activity_tracker_message (id, channel_id, author_id, webhook_name, type, content,
            created_at, edited_at, pinned, reply_to, reactions, reactors_of, payload, conversation)
        SELECT id, channel_id, author_id, webhook_name, type, content, created_at, edited_at, pinned, reply_to,
            reactions, '{}', payload, conversation FROM incoming
        ON CONFLICT (id) DO NOTHING RETURNING 1
    ), activities AS (
        INSERT INTO core_activity (number, prefix_id, code, scope_id, thread_prefix_id, thread_number, type_id, common,
            occurred_at, edited_at, actor, summary)
        SELECT id, message_prefix, '', scope_id, conversation_prefix, conversation, kind, common, created_at, edited_at,
            author_id, summary
        FROM incoming JOIN locations USING (channel_id)
        ON CONFLICT (number, prefix_id, code) DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM activities)
"""
"""Insert messages and their timeline rows. Return the number of new messages and of new timeline rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageWrite:
    """A page to write, with its location.

    ``states`` are the positions to save with the page, by stream. ``None`` deletes a position. ``threads`` are the rows
    of threads that start at messages of the page and may not be stored yet.
    """

    page: MessagePage
    location: Location
    states: Mapping[str, DiscordState | None]
    threads: Sequence[Row] = ()

    @property
    def scope(self) -> str:
        """The scope under which malformed messages are recorded."""
        return f"{self.location.guild_id}/{self.location.channel_id}"


class NotAppendable(Exception):
    """The pages must not be appended: a message is deleted, already stored, or not newer than all stored messages."""


def live_ids_between(channel_id: int, after: int, upto: int) -> set[int]:
    """Return the ids of stored messages above ``after`` and up to ``upto`` (inclusive) that are not deleted."""
    live = Message.objects.filter(channel_id=channel_id, id__gt=after, id__lte=upto, deleted_at=None)
    return set(live.values_list("pk", flat=True))


def store_messages(writes: Sequence[PageWrite], *, now: datetime, deleted: Collection[int] = ()) -> list[PageResult]:
    """Write pages in their order. Unchanged rows are not written again.

    If all pages can be appended, they share one transaction, and the number of SQL statements does not depend on the
    number of pages. Otherwise, each page has its own transaction. ``deleted`` contains the ids of deleted messages. It
    must be empty if there are several pages.
    """
    if not deleted and (results := _append(writes)):
        return results
    if len(writes) > 1:
        return [result for write in writes for result in store_messages([write], now=now)]
    return [_upsert(write, now, deleted) for write in writes]


def _append(writes: Sequence[PageWrite]) -> list[PageResult] | None:
    """Append pages to their channels. Return ``None`` and write nothing if not all pages can be appended.

    This is also the case if two pages have different rows for one account, or if the database refuses a value in one of
    several pages. The caller then writes the pages one by one, so that both names of a renamed account are stored, and
    a malformed page does not affect the others. If there is only one page, the error of the database is raised.
    """
    accounts: dict[int, Row] = {}
    webhooks: dict[int, Row] = {}
    for page in (write.page for write in writes):
        if any((known := accounts.get(pk, row)) is not row and known != row for pk, row in page.accounts.items()):
            return None
        accounts |= page.accounts
        webhooks |= page.webhooks
    try:
        with transaction.atomic():
            store_webhooks(webhooks.values())
            store_accounts(accounts.values())
            request_reindex(_append_rows(writes))
            _finish(writes)
    except NotAppendable:
        return None
    except (DataError, IntegrityError):
        if len(writes) == 1:
            raise
        return None
    return [
        PageResult(
            seen=len(write.page.records),
            inserted=len({record.row["id"] for record in write.page.records}),
            malformed=len(write.page.malformed),
        )
        for write in writes
    ]


def _append_rows(writes: Sequence[PageWrite]) -> Mapping[Location, set[int]]:
    """Insert messages and timeline rows in the caller's transaction. Return the conversations of each location.

    Raises NotAppendable if a message is deleted, is already stored, or is not newer than all stored messages of its
    channel.
    """
    records: defaultdict[Location, dict[int, MessageRecord]] = defaultdict(dict)
    for write in writes:
        if write.page.records:
            records[write.location].update((record.row["id"], record) for record in write.page.records)
    if not records:
        return {}
    with separate_parameters() as cursor:
        cursor.execute(LAST_MESSAGES, [[location.channel_id for location in records]])
        last: dict[int, tuple[int, datetime, int, int]] = {row[0]: row[1:] for row in cursor.fetchall()}
        conversations = {
            location: _appended_conversations(location, of_location, last.get(location.channel_id))
            for location, of_location in records.items()
        }
        keys = activity_keys(
            "discord",
            prefixes=[prefix for at in records for prefix in (at.message(""), at.document(""))],
            types={record.activity_type for of_location in records.values() for record in of_location.values()},
        )
        rows = [
            _append_row(record, conversations[location][pk], keys)
            for location, of_location in records.items()
            for pk, record in of_location.items()
        ]
        locations = (
            [at.channel_id for at in records],
            [at.scope_id for at in records],
            [keys.prefixes[at.message("")] for at in records],
            [keys.prefixes[at.document("")] for at in records],
        )
        cursor.execute(APPEND, [as_json(rows), *locations])
        if cursor.fetchone() != (len(rows), len(rows)):
            raise NotAppendable
    return {location: set(by_message.values()) for location, by_message in conversations.items()}


def _appended_conversations(
    location: Location, records: Mapping[int, MessageRecord], last: tuple[int, datetime, int, int] | None
) -> Mapping[int, int]:
    if (last and last[0] >= min(records)) or any(record.row["deleted_at"] for record in records.values()):
        raise NotAppendable
    return append_to_conversations(((pk, r.row["created_at"]) for pk, r in records.items()), last, location)


def _append_row(record: MessageRecord, conversation: int, keys: Keys) -> dict[str, Any]:
    """Return the fields of a message and of its timeline row. PostgreSQL ignores fields that APPEND does not name.

    The summary of a message without content is stored, because the timeline finds its words.
    """
    row, kind = record.row, record.activity_type
    return {
        **row, "conversation": conversation, "kind": keys.types[kind], "common": kind in COMMON_TYPES,
        "summary": record.summary or None if is_blank(row["content"]) else None,
    }  # fmt: skip


def _without_computed(record: MessageRecord) -> DiscordActivity:
    """Return the activity without the texts that ``activity_texts`` computes from the message. See ``_append_row``."""
    summary = record.summary if is_blank(record.row["content"]) else ""
    return replace(record.activity, actor_name="", source_url="", summary=summary)


@transaction.atomic
def _upsert(write: PageWrite, now: datetime, deleted: Collection[int]) -> PageResult:
    """Write one page, compare it with the stored rows, and store earlier versions of edited messages."""
    page, location = write.page, write.location
    store_webhooks(page.webhooks.values())
    store_accounts(page.accounts.values())
    ids = [record.row["id"] for record in page.records]
    stored = {row["id"]: row for row in Message.objects.filter(pk__in=ids).values(*STORED_FIELDS)}
    records = [
        _without_noise(record, stored.get(record.row["id"]))
        for record in page.records
        if not _lost_content(record.row, stored.get(record.row["id"]))
    ]
    rows = [record.row for record in records]
    _store_revisions(rows, stored, now)
    conversations = assign_conversations(rows, stored, location)
    complete = ({**row, "conversation": conversations[row["id"]], "reactors_of": {}} for row in rows)
    written = upsert(Message, complete, key=["id"], keep=["conversation", "reactors_of"])
    if unpinned := [row["id"] for row in rows if not row["pinned"] and stored.get(row["id"], NOT_STORED)["pinned_at"]]:
        Message.objects.filter(pk__in=unpinned).update(pinned_at=None)
    changed = {key[0] for key in written.changed}
    newly_deleted = _mark_deleted(deleted, location, now) if deleted else 0
    record_activity(
        (
            Record(
                row=record.row,
                activity=_without_computed(record),
                kind="conversation",
                document=location.document(conversations[record.row["id"]]),
            )
            for record in records
            if record.row["id"] in changed
        ),
        scope_id=location.scope_id,
    )
    _finish([write])
    return PageResult(
        seen=len(page.records), inserted=len(written.inserted), updated=len(written.updated), deleted=newly_deleted,
        malformed=len(page.malformed),
    )  # fmt: skip


def _finish(writes: Sequence[PageWrite]) -> None:
    """Insert new threads, record malformed messages and save positions.

    If several pages belong to the same channel, the last page determines the position.
    """
    positions: dict[tuple[int | str, str], DiscordState | None] = {}
    insert_threads(list({row["id"]: row for write in writes for row in write.threads}.values()))
    for write in writes:
        positions |= {(write.location.channel_id, stream): state for stream, state in write.states.items()}
        record_malformed(write.page.malformed, collector=COLLECTOR, scope=write.scope, stream="messages")
    save_states(positions)


def _mark_deleted(ids: Collection[int], location: Location, now: datetime) -> int:
    """Mark messages as deleted in the caller's transaction.

    Return the number of messages that were not marked before.
    """
    live = Message.objects.filter(pk__in=list(ids), deleted_at=None)
    conversations = set(live.values_list("conversation", flat=True).order_by())
    marked = live.update(deleted_at=now)
    mark_activities_deleted("discord", [location.message(pk) for pk in ids], now)
    request_reindex({location: conversations})
    return marked


def _lost_content(row: Row, stored: Mapping[str, Any] | None) -> bool:
    """Return whether an unedited message has lost its content. The bot may no longer read contents in this case."""
    return bool(stored and stored["content"] and not row["content"] and stored["edited_at"] == row["edited_at"])


def _without_noise(record: MessageRecord, stored: Mapping[str, Any] | None) -> MessageRecord:
    """Return the record, with the stored payload if the two payloads differ only in noise.

    Noise means fields that Discord changes without an edit.
    """
    row = record.row
    if stored is None or stored["edited_at"] != row["edited_at"] or stored["payload"] == row["payload"]:
        return record
    if not differs_in_noise_only(stored["payload"], row["payload"]):
        return record
    return replace(record, row={**row, "payload": stored["payload"]})


def _store_revisions(rows: Sequence[Row], stored: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    """Store the previous versions of edited messages as revisions."""
    revisions = [
        {
            "message_id": row["id"],
            "content": old["content"],
            "payload": old["payload"],
            "written_at": old["edited_at"] or old["created_at"],
            "replaced_at": row["edited_at"] if row["edited_at"] and row["edited_at"] != old["edited_at"] else now,
        }
        for row in rows
        if (old := stored.get(row["id"])) and _is_edited(row, old)
    ]
    upsert(Revision, revisions, key=["message_id", "written_at", "replaced_at"])


def _is_edited(row: Row, stored: Mapping[str, Any]) -> bool:
    """Return whether the content of a message was edited.

    An export contains names in place of mentions, so a message from an export that differs without a new edit time was
    not edited. Discord adds, renews and removes link previews without an edit, so these changes do not count either.
    """
    before, after = stored["payload"], row["payload"]
    edited = stored["edited_at"] != row["edited_at"]
    if EXPORTED in before and EXPORTED not in after and not edited:
        return False
    parts = [part for part in REVISED_PARTS if before.get(part) and (edited or part != "embeds")]
    return stored["content"] != row["content"] or any(
        not differs_in_noise_only(before[part], after.get(part), part) for part in parts
    )
