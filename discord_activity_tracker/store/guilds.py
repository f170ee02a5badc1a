"""Store guilds, channels and threads. Rows of deleted objects are marked as deleted, but never removed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, models, transaction

from core.db.upsert import upsert
from core.ingest.skips import record_malformed
from core.ingest.timeline import mark_threads_deleted
from core.ingest.values import Row
from core.models import Scope
from core.search.documents import mark_deleted
from discord_activity_tracker.convert.guilds import EventRows, GuildRows, Rows
from discord_activity_tracker.convert.privacy import is_hidden
from discord_activity_tracker.models import (
    Channel,
    Emoji,
    FormerChannelName,
    Guild,
    Message,
    Role,
    ScheduledEvent,
    Sticker,
)
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import COLLECTOR, clear_other_skips, guild_key, save_state
from discord_activity_tracker.store.conversations import request_reindex_of_channels, request_reindex_of_threads
from discord_activity_tracker.store.people import store_accounts

INHERIT = """
    UPDATE discord_activity_tracker_channel AS thread
    SET access = CASE parent.access WHEN 'no_messages' THEN 'ok' ELSE parent.access END
    FROM discord_activity_tracker_channel AS parent
    WHERE thread.parent_id = parent.id AND thread.is_thread AND NOT parent.is_thread AND thread.guild_id = %s
      AND thread.access <> CASE parent.access WHEN 'no_messages' THEN 'ok' ELSE parent.access END
"""

UNLISTED = """
    SELECT channel_id, count(*) FROM discord_activity_tracker_message AS message
    WHERE channel_id = ANY(%s) AND deleted_at IS NULL AND type IN (0, 19)
      AND jsonb_typeof(payload -> 'flags') = 'number' AND (payload ->> 'flags')::bigint & 32 <> 0
      AND NOT EXISTS (SELECT 1 FROM discord_activity_tracker_channel AS thread WHERE thread.id = message.id)
    GROUP BY channel_id
"""


@transaction.atomic
def store_guild(rows: GuildRows, now: datetime) -> int:
    """Store a guild with its parts, and return the number of malformed parts.

    Threads inherit the access of their channel. Channels that Discord no longer lists stay unchanged, because the
    collector requests them one by one.
    """
    guild_id, name = rows.guild["id"], rows.guild["name"]
    hidden_before = _hidden_channels(guild_id)
    upsert(Guild, [rows.guild], key=["id"], keep=["enabled"] if name else ["enabled", "name"])
    lists: tuple[tuple[str, type[models.Model], Rows], ...] = (
        ("roles", Role, rows.roles), ("emojis", Emoji, rows.emojis), ("stickers", Sticker, rows.stickers),
    )  # fmt: skip
    for _, model, items in lists:
        _store_parts(model, items, guild_id, now)
    _store_channels(rows.channels.rows, now)
    with connection.cursor() as cursor:
        cursor.execute(INHERIT, [guild_id])
    _store_scopes(guild_id, name or str(guild_id), [row for row in rows.channels.rows if not row["is_thread"]])
    request_reindex_of_channels(guild_id, hidden_before ^ _hidden_channels(guild_id))
    malformed = 0
    for stream, items in [*((stream, items) for stream, _, items in lists), ("channels", rows.channels)]:
        malformed += record_malformed(items.malformed, collector=COLLECTOR, scope=str(guild_id), stream=stream)
        clear_other_skips(str(guild_id), stream, [item.external_id for item in items.malformed])
    return malformed


@transaction.atomic
def store_events(rows: EventRows, guild_id: int, now: datetime) -> int:
    """Store all scheduled events of a guild, and return the number of malformed events and creators."""
    store_accounts({row["id"]: row for row in rows.accounts.rows}.values())
    _store_parts(ScheduledEvent, rows.events, guild_id, now)
    malformed = [*rows.events.malformed, *rows.accounts.malformed]
    record_malformed(malformed, collector=COLLECTOR, scope=str(guild_id), stream="events")
    clear_other_skips(str(guild_id), "events", [item.external_id for item in malformed])
    save_state(guild_key(guild_id), "events", DiscordState(checkpoint_token=now.isoformat()))
    return len(malformed)


@transaction.atomic
def store_threads(rows: Sequence[Row], now: datetime) -> int:
    """Store threads, and return the number of new or changed threads."""
    return _store_channels(rows, now)


@transaction.atomic
def store_listed_threads(rows: Rows, scope: str, now: datetime) -> int:
    """Store the threads of one channel, and return the number of new or changed threads.

    Malformed threads are recorded under the channel's scope.
    """
    record_malformed(rows.malformed, collector=COLLECTOR, scope=scope, stream="threads")
    return _store_channels(rows.rows, now)


def insert_threads(rows: Sequence[Row]) -> None:
    """Insert unknown threads in the caller's transaction. Stored threads stay unchanged."""
    if rows:
        upsert(Channel, rows, key=["id"], keep=[name for name in rows[0] if name != "id"])


def scopes_of(guild_id: int) -> Mapping[int, int]:
    """Return the primary keys of the guild's scopes by channel id."""
    scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    return {int(name.rpartition("/")[2]): pk for pk, name in scopes.values_list("pk", "external_id")}


def scopes_without_messages(guild_id: int) -> set[int]:
    """Return the primary keys of the scopes of channels that contain no messages or threads, such as empty forums."""
    channels = live_channels(guild_id).order_by()
    parents = channels.filter(is_thread=True).exclude(parent_id=None).values("parent_id")
    empty = channels.filter(is_thread=False, access=Channel.Access.NO_MESSAGES, gap="").exclude(pk__in=parents)
    names = [f"{guild_id}/{pk}" for pk in empty.values_list("pk", flat=True)]
    return set(Scope.objects.filter(source_system="discord", external_id__in=names).values_list("pk", flat=True))


def mark_scopes_complete(scopes: Iterable[int], now: datetime) -> None:
    """Record that these channels and their threads were collected completely, and clear ``not_before``."""
    Scope.objects.filter(pk__in=list(scopes)).update(last_completed_at=now, not_before=None)


def last_pin_times(guild_id: int) -> Mapping[int, str]:
    """Return the time of each channel's last pin (ISO 8601), as reported by Discord, by channel id."""
    rows = live_channels(guild_id).exclude(last_pin_timestamp=None).values_list("pk", "last_pin_timestamp")
    return {pk: moment.isoformat() for pk, moment in rows if moment}


def count_messages(guild_id: int) -> int:
    """Return the number of stored messages of a guild."""
    return Message.objects.filter(channel__guild_id=guild_id).count()


def live_channels(guild_id: int) -> models.QuerySet[Channel]:
    """Return the channels and threads of a guild that are not deleted."""
    return Channel.objects.filter(guild_id=guild_id, deleted_at=None)


@transaction.atomic
def store_refusal(channel_id: int, access: str, gap: str, state: DiscordState) -> None:
    """Store that Discord refused to show a channel. If ``access`` is empty, the channel's row stays unchanged."""
    if access:
        Channel.objects.filter(pk=channel_id).exclude(access=access, gap=gap).update(access=access, gap=gap)
    save_state(channel_id, "refused", state)


def count_archived_threads(channels: Iterable[int]) -> Mapping[int, int]:
    """Return the number of stored archived threads that are not deleted, by channel id."""
    threads = Channel.objects.filter(parent_id__in=list(channels), is_thread=True, archived=True, deleted_at=None)
    return dict(threads.values_list("parent_id").annotate(number=models.Count("pk")).order_by())


def count_unlisted_threads(channels: Iterable[int]) -> Mapping[int, int]:
    """Return the number of live messages that started a thread that is not stored, by channel id.

    Such messages have Discord's flag HAS_THREAD (32).
    https://discord.com/developers/docs/resources/message#message-object-message-flags
    """
    with connection.cursor() as cursor:
        cursor.execute(UNLISTED, [list(channels)])
        return dict(cursor.fetchall())


def thread_ids(guild_id: int) -> set[int]:
    """Return the ids of all stored threads of a guild, including deleted ones."""
    return set(Channel.objects.filter(guild_id=guild_id, is_thread=True).values_list("pk", flat=True))


@transaction.atomic
def mark_channels_deleted(channels: Sequence[int], now: datetime) -> int:
    """Mark channels or threads as deleted, together with their threads, messages and documents.

    Return the number of messages that were not marked before.
    """
    channels = [*channels, *Channel.objects.filter(parent_id__in=channels, is_thread=True).values_list("pk", flat=True)]
    Channel.objects.filter(pk__in=channels, deleted_at=None).update(deleted_at=now)
    messages = Message.objects.filter(channel_id__in=channels, deleted_at=None)
    conversations = set(messages.values_list("channel__guild_id", "channel_id", "conversation").order_by())
    names = [f"discord:conversation:{guild}:{channel}:{first}" for guild, channel, first in conversations]
    mark_threads_deleted("discord", names, now)
    mark_deleted("discord", names, now)
    return messages.update(deleted_at=now)


def _store_parts(model: type[models.Model], items: Rows, guild_id: int, now: datetime) -> None:
    """Store the items of a list. If the list is complete, mark stored items that are absent from it as deleted."""
    upsert(model, items.rows, key=["id"])
    if items.whole:
        live = model._default_manager.filter(guild_id=guild_id, deleted_at=None)
        live.exclude(pk__in=[*(row["id"] for row in items.rows), *items.set_aside]).update(deleted_at=now)


def _hidden_channels(guild_id: int) -> set[int]:
    """Return the ids of the stored channels that not everyone in the guild can see."""
    everyone = Role.objects.filter(pk=guild_id, deleted_at=None).values_list("payload", flat=True).first()
    channels = live_channels(guild_id).filter(is_thread=False).order_by().values_list("pk", "payload")
    return {pk for pk, payload in channels if is_hidden(payload, guild_id, everyone)}


def _store_channels(rows: Sequence[Row], now: datetime) -> int:
    by_id = {row["id"]: row for row in rows}
    known = list(Channel.objects.filter(pk__in=list(by_id)).values_list("pk", "name", "tags", "locked"))
    FormerChannelName.objects.bulk_create(
        FormerChannelName(channel_id=pk, name=name, noticed_at=now)
        for pk, name, *_ in known
        if name != by_id[pk]["name"]
    )
    changed = upsert(Channel, rows, key=["id"]).changed
    shown = {pk: [row["name"], row["tags"], row["locked"]] for pk, row in by_id.items()}
    request_reindex_of_threads([pk for pk, *before in known if before != shown[pk]])
    return len(changed)


def _store_scopes(guild_id: int, guild_name: str, channels: Iterable[Row]) -> None:
    rows = (
        {
            "source_system": "discord",
            "external_id": f"{guild_id}/{row['id']}",
            "name": f"{guild_name}/{row['name']}"[:300],
            "url": f"https://discord.com/channels/{guild_id}/{row['id']}",
        }
        for row in channels
        if row["kind"] != "category"
    )
    upsert(Scope, rows, key=["source_system", "external_id"])
