"""Guilds, channels and threads; what is gone becomes a tombstone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import models, transaction

from core.models import Activity, Document, Scope
from core.models.upsert import upsert
from core.runs import record_skip
from core.search.documents import mark_deleted
from discord_activity_tracker.convert import EventRows, GuildRows
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
from discord_activity_tracker.store.retitled import mark_retitled


@transaction.atomic
def store_guild(rows: GuildRows, now: datetime) -> None:
    """Keep a guild with its parts. Channels that are no longer listed are left to be asked for one by one."""
    guild_id = rows.guild["id"]
    upsert(Guild, [rows.guild], key=["id"], keep=["enabled"])
    parts: tuple[tuple[type[models.Model], list[Row]], ...] = (
        (Role, rows.roles), (Emoji, rows.emojis), (Sticker, rows.stickers),
    )  # fmt: skip
    for model, found in parts:
        _store_parts(model, found, guild_id, now)
    _store_channels(rows.channels, now)
    _store_scopes(guild_id, rows.guild["name"], [row for row in rows.channels if not row["is_thread"]])
    _skip_malformed(rows.malformed, guild_id, "guild")


@transaction.atomic
def store_events(rows: EventRows, guild_id: int, now: datetime) -> None:
    """Keep the scheduled events, which are all there are, and when they were asked for."""
    store_accounts(rows.accounts)
    _store_parts(ScheduledEvent, rows.events, guild_id, now)
    _skip_malformed(rows.malformed, guild_id, "events")
    save_state(guild_id, "events", DiscordState(checkpoint_token=now.isoformat()))


@transaction.atomic
def store_threads(rows: Sequence[Row], now: datetime) -> int:
    """Keep some threads; returns how many are new or other than they were."""
    return _store_channels(rows, now)


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
    """Remember what Discord said instead of messages."""
    Channel.objects.filter(pk=channel_id).exclude(access=access, gap=gap).update(access=access, gap=gap)
    save_state(channel_id, "refused", state)


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


def _store_parts(model: type[models.Model], rows: Sequence[Row], guild_id: int, now: datetime) -> None:
    upsert(model, rows, key=["id"])
    gone = model._default_manager.filter(guild_id=guild_id, deleted_at=None)
    gone.exclude(pk__in=[row["id"] for row in rows]).update(deleted_at=now)


def _skip_malformed(items: Sequence[tuple[str, str, object]], guild_id: int, stream: str) -> None:
    for external_id, reason, payload in items:
        record_skip(
            collector=COLLECTOR, scope=str(guild_id), stream=stream, external_id=external_id, reason="malformed",
            detail=reason, payload=payload,
        )  # fmt: skip


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
