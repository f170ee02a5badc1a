"""Guilds, channels and threads; what is gone becomes a tombstone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import models, transaction

from core.models import Activity, Document, Scope
from core.models.upsert import upsert
from core.runs import record_skip
from core.search.documents import mark_deleted
from discord_activity_tracker.convert import GuildRows
from discord_activity_tracker.convert.texts import Row
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
from discord_activity_tracker.store.checkpoints import COLLECTOR, save_state
from discord_activity_tracker.store.people import store_accounts


@transaction.atomic
def store_guild(rows: GuildRows, now: datetime) -> None:
    """Keep a guild with its parts. Channels that are no longer listed are left to be asked for one by one."""
    guild_id = rows.guild["id"]
    upsert(Guild, [rows.guild], key=["id"], keep=["enabled"])
    store_accounts(rows.accounts)
    parts: tuple[tuple[type[models.Model], list[Row]], ...] = (
        (Role, rows.roles), (Emoji, rows.emojis), (Sticker, rows.stickers), (ScheduledEvent, rows.events),
    )  # fmt: skip
    for model, found in parts:
        upsert(model, found, key=["id"])
        gone = model._default_manager.filter(guild_id=guild_id, deleted_at=None)
        gone.exclude(pk__in=[row["id"] for row in found]).update(deleted_at=now)
    _store_channels(rows.channels, now)
    _store_scopes(guild_id, rows.guild["name"], [row for row in rows.channels if not row["is_thread"]])
    for external_id, reason, payload in rows.malformed:
        record_skip(
            collector=COLLECTOR, scope=str(guild_id), stream="guild", external_id=external_id, reason="malformed",
            detail=reason, payload=payload,
        )  # fmt: skip


@transaction.atomic
def store_threads(rows: Sequence[Row], now: datetime) -> None:
    """Keep a page of archived threads."""
    _store_channels(rows, now)


@transaction.atomic
def finish_listing(channel_id: int, listing: str, newest: datetime | None) -> None:
    """Remember down to where a list of archived threads is known."""
    if newest:
        save_state(channel_id, f"archived_{listing}", DiscordState(checkpoint_token=newest.isoformat()))


def scopes_of(guild_id: int) -> Mapping[int, int]:
    """Keys of the guild's scopes by channel."""
    found = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    return {int(name.rpartition("/")[2]): pk for pk, name in found.values_list("pk", "external_id")}


def complete_scopes(guild_id: int, channels: Iterable[int], now: datetime) -> None:
    """Say that these channels, with their threads, are kept completely."""
    names = [f"{guild_id}/{channel}" for channel in channels]
    Scope.objects.filter(source_system="discord", external_id__in=names).update(last_completed_at=now, not_before=None)


def set_access(channels: Iterable[int], access: str) -> None:
    """Remember what Discord said instead of messages."""
    Channel.objects.filter(pk__in=list(channels)).exclude(access=access).update(access=access)


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


def _store_channels(rows: Sequence[Row], now: datetime) -> None:
    names = {row["id"]: row["name"] for row in rows}
    known = Channel.objects.filter(pk__in=list(names)).values_list("pk", "name")
    FormerChannelName.objects.bulk_create(
        FormerChannelName(channel_id=pk, name=name, noticed_at=now) for pk, name in known if name != names[pk]
    )
    upsert(Channel, rows, key=["id"])


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
