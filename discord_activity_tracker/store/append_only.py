"""Pages behind everything that is kept of their channels, as all pages of a first reading are: few statements.

They write what any other page would write, several pages of several channels at once. Rows travel once, as JSON, and
become messages and timeline in one statement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from core.db.upsert import as_json
from core.ingest.records import Record
from core.ingest.values import Row
from discord_activity_tracker.convert.messages import MessagePage
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.conversations import cut_behind
from discord_activity_tracker.store.places import Place

LAST = """
    SELECT given.channel, last.id, last.created_at, last.conversation, (
        SELECT count(*) FROM discord_activity_tracker_message AS m WHERE m.conversation = last.conversation
    ) FROM unnest(%s::bigint[]) AS given (channel), LATERAL (
        SELECT id, created_at, conversation FROM discord_activity_tracker_message
        WHERE channel_id = given.channel ORDER BY id DESC LIMIT 1
    ) AS last
"""
COLUMNS = (
    "id", "channel_id", "author_id", "webhook_name", "type", "content", "created_at", "edited_at", "pinned", "reply_to",
    "reactions", "payload",
)  # fmt: skip
WRITE = """
    WITH given AS (
        SELECT * FROM json_to_recordset(%s::json) AS g (
            id bigint, channel_id bigint, author_id bigint, webhook_name text, type int, content text,
            created_at timestamptz, edited_at timestamptz, pinned boolean, reply_to bigint, reactions jsonb,
            payload jsonb, conversation bigint, kind text, actor text, summary text)
    ), places AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS p (channel_id, guild_id, scope_id)
    ), messages AS (
        INSERT INTO discord_activity_tracker_message (id, channel_id, author_id, webhook_name, type, content,
            created_at, edited_at, pinned, reply_to, reactions, reactors_of, payload, conversation)
        SELECT id, channel_id, author_id, webhook_name, type, content, created_at, edited_at, pinned, reply_to,
            reactions, '{}', payload, conversation FROM given
        ON CONFLICT (id) DO NOTHING RETURNING 1
    ), activities AS (
        INSERT INTO core_activity (source_system, external_id, scope_id, thread, activity_type, occurred_at, edited_at,
            actor_external_id, actor_name, source_url, summary)
        SELECT 'discord', concat_ws(':', 'discord:message', guild_id, channel_id, id), scope_id,
            concat_ws(':', 'discord:conversation', guild_id, channel_id, conversation), kind, created_at, edited_at,
            author_id, actor, concat_ws('/', 'https://discord.com/channels', guild_id, channel_id, id), summary
        FROM given JOIN places USING (channel_id)
        ON CONFLICT (source_system, external_id) DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM activities)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A page, where it stands, and the positions that it covers, by stream; ``None`` drops one.

    ``threads`` are rows of threads that begin in the page and may be unknown.
    """

    page: MessagePage
    place: Place
    states: Mapping[str, DiscordState | None]
    threads: Sequence[Row] = ()


class NotFresh(Exception):
    """Something of it is kept already; nothing of it may stay written."""


def store_fresh(readings: Sequence[Reading]) -> Mapping[Place, set[int]]:
    """Write rows, in the caller's transaction, and tell the conversations of each place.

    Raises NotFresh where something of it is kept already, or kept as deleted.
    """
    records: defaultdict[Place, dict[int, Record]] = defaultdict(dict)
    for reading in readings:
        if reading.page.records:
            records[reading.place].update((record.row["id"], record) for record in reading.page.records)
    if not records:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LAST, [[place.channel_id for place in records]])
        last: dict[int, tuple[int, datetime, int, int]] = {row[0]: row[1:] for row in cursor.fetchall()}
        talks = {place: _conversations(place, of, last.get(place.channel_id)) for place, of in records.items()}
        given = [_given(record, talks[place][pk]) for place, of in records.items() for pk, record in of.items()]
        places = ([p.channel_id for p in records], [p.guild_id for p in records], [p.scope_id for p in records])
        cursor.execute(WRITE, [as_json(given), *places])
        if cursor.fetchone() != (len(given), len(given)):
            raise NotFresh
    return {place: set(of.values()) for place, of in talks.items()}


def _conversations(
    place: Place, records: Mapping[int, Record], last: tuple[int, datetime, int, int] | None
) -> Mapping[int, int]:
    if (last and last[0] >= min(records)) or any(record.row["deleted_at"] for record in records.values()):
        raise NotFresh
    return cut_behind(((pk, record.row["created_at"]) for pk, record in records.items()), last, place)


def _given(record: Record, talk: int) -> dict[str, Any]:
    activity = record.activity
    given = {name: record.row[name] for name in COLUMNS}
    given["conversation"], given["kind"] = talk, activity.activity_type
    given["actor"], given["summary"] = activity.actor_name, activity.summary
    return given
