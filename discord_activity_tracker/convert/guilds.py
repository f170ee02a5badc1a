"""A guild with its roles, emoji, stickers, channels and events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discord_activity_tracker.convert.channels import channel_row, thread_access
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.texts import (
    MALFORMED,
    Row,
    clean,
    clip,
    moment,
    moment_or_none,
    small,
    snowflake,
    snowflake_or_none,
    storable,
)
from discord_activity_tracker.payloads import Channel, Event, Guild

APART = {"roles", "emojis", "stickers"}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildRows:
    """Everything that one look at a guild says."""

    guild: Row
    roles: list[Row]
    emojis: list[Row]
    stickers: list[Row]
    channels: list[Row]
    malformed: list[tuple[str, str, object]]
    """Id, reason and payload of what is not as documented."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRows:
    """Scheduled events and who made them."""

    events: list[Row]
    accounts: list[Row]
    malformed: list[tuple[str, str, object]]


def convert_guild(
    guild: Guild, channels: Sequence[Channel], access: Mapping[int, str], gaps: Mapping[int, str]
) -> GuildRows:
    """Rows of a guild; ``channels`` include the active threads, which have the access of their parents.

    ``gaps`` says by channel, in words, what the bot cannot read there.
    """
    guild_id, aside = snowflake(guild["id"]), list[tuple[str, str, object]]()

    def part(item: Mapping[str, Any]) -> Row:
        kept = {key: value for key, value in item.items() if key != "user"}
        return {
            "id": snowflake(item["id"]), "guild_id": guild_id, "name": clip(item.get("name"), 200),
            "payload": storable(kept), "deleted_at": None,
        }  # fmt: skip

    def channel(item: Channel) -> Row:
        own = access.get(int(item["id"]))
        word = own or access.get(int(item.get("parent_id") or 0), "no_view")
        return channel_row(item, guild_id, thread_access(word) if item.get("thread_metadata") else word, gaps)

    return GuildRows(
        guild=_guild(guild, guild_id),
        roles=_each(guild["roles"], part, aside),
        emojis=_each(guild["emojis"], part, aside),
        stickers=_each(guild.get("stickers") or [], part, aside),
        channels=_each(channels, channel, aside),
        malformed=aside,
    )


def convert_threads(threads: Sequence[Channel], guild_id: int, access: str) -> list[Row]:
    """Rows of threads of one channel, whose ``access`` they share; what is malformed is left out."""
    return _each(threads, lambda item: channel_row(item, guild_id, thread_access(access), {}), [])


def convert_events(events: Sequence[Event], guild_id: int) -> EventRows:
    """Rows of scheduled events."""
    aside = list[tuple[str, str, object]]()
    return EventRows(
        events=_each(events, lambda item: _event(item, guild_id), aside),
        accounts=_each([creator for event in events if (creator := event.get("creator"))], account_row, aside),
        malformed=aside,
    )


def _each(items: Iterable[Any], make: Callable[[Any], Row], aside: list[tuple[str, str, object]]) -> list[Row]:
    """Convert one by one; what is malformed is set aside."""
    rows: list[Row] = []
    for item in items:
        try:
            rows.append(make(item))
        except MALFORMED as error:
            told = str(item.get("id")) if isinstance(item, dict) else ""
            aside.append((told, f"{type(error).__name__}: {error}"[:300], storable(item)))
    return rows


def _guild(guild: Guild, guild_id: int) -> Row:
    return {
        "id": guild_id,
        "name": clip(guild["name"], 200),
        "description": clean(guild.get("description")),
        "icon": clip(guild.get("icon"), 200),
        "owner_id": snowflake_or_none(guild.get("owner_id")),
        "payload": storable({key: value for key, value in guild.items() if key not in APART}),
        "enabled": True,
    }


def _event(event: Event, guild_id: int) -> Row:
    return {
        "id": snowflake(event["id"]),
        "guild_id": guild_id,
        "name": clip(event["name"], 200),
        "payload": storable({key: value for key, value in event.items() if key != "creator"}),
        "deleted_at": None,
        "channel_id": snowflake_or_none(event.get("channel_id")),
        "description": clean(event.get("description")),
        "starts_at": moment(event["scheduled_start_time"]),
        "ends_at": moment_or_none(event.get("scheduled_end_time")),
        "status": small(event["status"]),
        "user_count": small(event.get("user_count")),
    }
