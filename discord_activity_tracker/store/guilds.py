"""Guilds, channels and threads; what is gone becomes a tombstone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, models, transaction

from core.db.upsert import upsert
from core.ingest.skips import record_malformed
from core.ingest.values import Row
from core.models import Activity, Document, Scope
from core.search.documents import mark_deleted
from discord_activity_tracker.convert.guilds import EventRows, GuildRows, Rows
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
from discord_activity_tracker.store.checkpoints import COLLECTOR, guild_key, save_state
from discord_activity_tracker.store.people import store_accounts
from discord_activity_tracker.store.retitled import mark_retitled
from discord_activity_tracker.store.skips import clear_others

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
    """Keep a guild with its parts; returns the number of malformed parts.

    Channels that are no longer listed are left to be asked for one by one. Threads get the access of their channel.
    """
    guild_id, name = rows.guild["id"], rows.guild["name"]
    upsert(Guild, [rows.guild], key=["id"], keep=["enabled"] if name else ["enabled", "name"])
    lists: tuple[tuple[str, type[models.Model], Rows], ...] = (
        ("roles", Role, rows.roles), ("emojis", Emoji, rows.emojis), ("stickers", Sticker, rows.stickers),
    )  # fmt: skip
    for _, model, found in lists:
        _store_parts(model, found, guild_id, now)
    _store_channels(rows.channels.rows, now)
    with connection.cursor() as cursor:
        cursor.execute(INHERIT, [guild_id])
    _store_scopes(guild_id, name or str(guild_id), [row for row in rows.channels.rows if not row["is_thread"]])
    malformed = 0
    for stream, found in [*((stream, found) for stream, _, found in lists), ("channels", rows.channels)]:
        malformed += record_malformed(found.malformed, collector=COLLECTOR, scope=str(guild_id), stream=stream)
        clear_others(str(guild_id), stream, [item.external_id for item in found.malformed])
    return malformed


@transaction.atomic
def store_events(rows: EventRows, guild_id: int, now: datetime) -> int:
    """Keep the scheduled events, which are all there are; returns how many are malformed."""
    store_accounts({row["id"]: row for row in rows.accounts.rows}.values())
    _store_parts(ScheduledEvent, rows.events, guild_id, now)
    malformed = [*rows.events.malformed, *rows.accounts.malformed]
    record_malformed(malformed, collector=COLLECTOR, scope=str(guild_id), stream="events")
    clear_others(str(guild_id), "events", [item.external_id for item in malformed])
    save_state(guild_key(guild_id), "events", DiscordState(checkpoint_token=now.isoformat()))
    return len(malformed)


@transaction.atomic
def store_threads(rows: Sequence[Row], now: datetime) -> int:
    """Keep some threads; returns how many are new or other than they were."""
    return _store_channels(rows, now)


@transaction.atomic
def store_listed_threads(rows: Rows, scope: str, now: datetime) -> int:
    """Keep threads of one channel, whose scope is named, and record malformed ones; returns how many changed."""
    record_malformed(rows.malformed, collector=COLLECTOR, scope=scope, stream="threads")
    return _store_channels(rows.rows, now)


def add_threads(rows: Sequence[Row]) -> None:
    """Keep threads that are not known yet and leave the others as they are, in the caller's transaction."""
    if rows:
        upsert(Channel, rows, key=["id"], keep=[name for name in rows[0] if name != "id"])


def scopes_of(guild_id: int) -> Mapping[int, int]:
    """Keys of the guild's scopes by channel."""
    found = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    return {int(name.rpartition("/")[2]): pk for pk, name in found.values_list("pk", "external_id")}


def silent_scopes(guild_id: int) -> set[int]:
    """Scopes of channels that hold no messages themselves and no threads: a category, a forum without posts."""
    here = alive(guild_id).order_by()
    parents = here.filter(is_thread=True).exclude(parent_id=None).values("parent_id")
    silent = here.filter(is_thread=False, access=Channel.Access.NO_MESSAGES, gap="").exclude(pk__in=parents)
    names = [f"{guild_id}/{pk}" for pk in silent.values_list("pk", flat=True)]
    return set(Scope.objects.filter(source_system="discord", external_id__in=names).values_list("pk", flat=True))


def complete_scopes(scopes: Iterable[int], now: datetime) -> None:
    """Say that these channels, with their threads, are kept completely."""
    Scope.objects.filter(pk__in=list(scopes)).update(last_completed_at=now, not_before=None)


def last_pins(guild_id: int) -> Mapping[int, str]:
    """When something was last pinned, by channel, as Discord says (ISO 8601)."""
    found = alive(guild_id).exclude(last_pin_timestamp=None).values_list("pk", "last_pin_timestamp")
    return {pk: moment.isoformat() for pk, moment in found if moment}


def count_messages(guild_id: int) -> int:
    """How many messages are kept of a guild."""
    return Message.objects.filter(channel__guild_id=guild_id).count()


def alive(guild_id: int) -> models.QuerySet[Channel]:
    """The channels and threads of a guild that are not gone."""
    return Channel.objects.filter(guild_id=guild_id, deleted_at=None)


@transaction.atomic
def remember_refusal(channel_id: int, access: str, gap: str, state: DiscordState) -> None:
    """Remember what Discord said instead of messages; an empty ``access`` leaves the channel as it is."""
    if access:
        Channel.objects.filter(pk=channel_id).exclude(access=access, gap=gap).update(access=access, gap=gap)
    save_state(channel_id, "refused", state)


def archived_threads(channels: Iterable[int]) -> Mapping[int, int]:
    """How many archived threads are kept, by channel."""
    found = Channel.objects.filter(parent_id__in=list(channels), is_thread=True, archived=True, deleted_at=None)
    return dict(found.values_list("parent_id").annotate(number=models.Count("pk")).order_by())


def unlisted_threads(channels: Iterable[int]) -> Mapping[int, int]:
    """By channel the number of messages that began a thread which is not kept (flag HAS_THREAD).

    https://discord.com/developers/docs/resources/message#message-object-message-flags
    """
    with connection.cursor() as cursor:
        cursor.execute(UNLISTED, [list(channels)])
        return dict(cursor.fetchall())


def thread_ids(guild_id: int) -> set[int]:
    """The ids of all threads that are kept of a guild, also of those that are gone."""
    return set(Channel.objects.filter(guild_id=guild_id, is_thread=True).values_list("pk", flat=True))


@transaction.atomic
def bury_channels(channels: Sequence[int], now: datetime) -> int:
    """Turn channels or threads that Discord does not know any more into tombstones, with everything said there.

    Returns how many messages were alive. Threads of a channel go with it.
    """
    whole = [*channels, *Channel.objects.filter(parent_id__in=channels, is_thread=True).values_list("pk", flat=True)]
    Channel.objects.filter(pk__in=whole, deleted_at=None).update(deleted_at=now)
    gone = Message.objects.filter(channel_id__in=whole, deleted_at=None)
    talks = set(gone.values_list("channel__guild_id", "channel_id", "conversation").order_by())
    names = [f"discord:conversation:{guild}:{channel}:{first}" for guild, channel, first in talks]
    Activity.objects.filter(source_system="discord", thread__in=names, deleted_at=None).update(deleted_at=now)
    mark_deleted("discord", Document.objects.filter(external_id__in=names).values_list("external_id", flat=True), now)
    return gone.update(deleted_at=now)


def _store_parts(model: type[models.Model], found: Rows, guild_id: int, now: datetime) -> None:
    """Keep the parts of a list; those that are absent from it are gone, unless the list is not to be believed."""
    upsert(model, found.rows, key=["id"])
    if found.whole:
        gone = model._default_manager.filter(guild_id=guild_id, deleted_at=None)
        gone.exclude(pk__in=[*(row["id"] for row in found.rows), *found.set_aside]).update(deleted_at=now)


def _store_channels(rows: Sequence[Row], now: datetime) -> int:
    given = {row["id"]: row for row in rows}
    known = list(Channel.objects.filter(pk__in=list(given)).values_list("pk", "name", "tags"))
    FormerChannelName.objects.bulk_create(
        FormerChannelName(channel_id=pk, name=name, noticed_at=now)
        for pk, name, _ in known
        if name != given[pk]["name"]
    )
    changed = upsert(Channel, rows, key=["id"]).changed
    mark_retitled([pk for pk, *shown in known if shown != [given[pk]["name"], given[pk]["tags"]]])
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
