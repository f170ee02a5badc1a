"""A page behind everything that is kept of its channel, as all pages of a first reading are: few statements.

It writes what any other page would write. Rows travel once, as JSON, and become messages and timeline in one
statement.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from core.models.upsert import as_json
from discord_activity_tracker.convert import Converted
from discord_activity_tracker.convert.texts import Row
from discord_activity_tracker.store.conversations import cut_behind
from discord_activity_tracker.store.places import Place

LAST = """
    SELECT last.id, last.created_at, last.conversation, (
        SELECT count(*) FROM discord_activity_tracker_message AS m WHERE m.conversation = last.conversation
    ) FROM discord_activity_tracker_message AS last WHERE last.channel_id = %s ORDER BY last.id DESC LIMIT 1
"""
COLUMNS = (
    "id", "author_id", "webhook_name", "type", "content", "created_at", "edited_at", "pinned", "reply_to", "reactions",
    "payload", "conversation",
)  # fmt: skip
WRITE = """
    WITH given AS (
        SELECT * FROM json_to_recordset(%s::json) AS g (
            id bigint, author_id bigint, webhook_name text, type int, content text, created_at timestamptz,
            edited_at timestamptz, pinned boolean, reply_to bigint, reactions jsonb, payload jsonb, conversation bigint,
            kind text, actor text, summary text)
    ), messages AS (
        INSERT INTO discord_activity_tracker_message (id, channel_id, author_id, webhook_name, type, content,
            created_at, edited_at, pinned, reply_to, reactions, reactors_of, payload, conversation)
        SELECT id, %s, author_id, webhook_name, type, content, created_at, edited_at, pinned, reply_to, reactions,
            '{}', payload, conversation FROM given
        ON CONFLICT (id) DO NOTHING RETURNING 1
    ), activities AS (
        INSERT INTO core_activity (source_system, external_id, scope_id, thread, activity_type, occurred_at, edited_at,
            actor_external_id, actor_name, source_url, summary)
        SELECT 'discord', %s || id, %s, %s || conversation, kind, created_at, edited_at, author_id, actor, %s || id,
            summary
        FROM given ON CONFLICT (source_system, external_id) DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM activities)
"""


class NotFresh(Exception):
    """Something of it is kept already; nothing of it may stay written."""


def store_fresh(page: Converted, rows: Sequence[Row], place: Place) -> Mapping[int, int] | None:
    """Write rows, in the caller's transaction, and give back their conversations; ``None``: they are not fresh.

    Raises NotFresh where that is noticed only while writing.
    """
    first = min(row["id"] for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(LAST, [place.channel_id])
        last: tuple[int, datetime, int, int] | None = cursor.fetchone()
        if last and last[0] >= first:
            return None
        talks = cut_behind(((row["id"], row["created_at"]) for row in rows), last, place)
        given = [_given(page, row, talks[row["id"]]) for row in rows]
        where = f"{place.guild_id}:{place.channel_id}:"
        cursor.execute(
            WRITE,
            [
                as_json(given),
                place.channel_id,
                f"discord:message:{where}",
                place.scope_id,
                f"discord:conversation:{where}",
                f"https://discord.com/channels/{where.replace(':', '/')}",
            ],
        )
        if cursor.fetchone() != (len(rows), len(rows)):
            raise NotFresh
    return talks


def _given(page: Converted, row: Row, talk: int) -> dict[str, Any]:
    told = page.activities[row["id"]]
    given = {name: row[name] for name in COLUMNS if name != "conversation"}
    given["conversation"], given["kind"] = talk, told.activity_type
    given["actor"], given["summary"] = told.actor_name, told.summary
    return given
