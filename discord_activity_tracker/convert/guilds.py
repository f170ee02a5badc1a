"""A guild with its roles, emoji, stickers, channels and events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discord_activity_tracker.convert.channels import channel_row
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
    events: list[Row]
    accounts: list[Row]
    malformed: list[tuple[str, str, object]]
    """Id, reason and payload of what is not as documented."""


def convert_guild(
    guild: Guild, channels: Sequence[Channel], events: Sequence[Event], access: Mapping[int, str]
) -> GuildRows:
    """Rows of a guild; ``channels`` include the active threads, which have the access of their parents."""
    guild_id, aside = snowflake(guild["id"]), list[tuple[str, str, object]]()

    def each(items: Iterable[Any], make: Callable[[Any], Row]) -> list[Row]:
        rows: list[Row] = []
        for item in items:
            try:
                rows.append(make(item))
            except MALFORMED as error:
                aside.append((str(item.get("id")), f"{type(error).__name__}: {error}"[:300], storable(item)))
        return rows

    def part(item: Mapping[str, Any]) -> Row:
        kept = {key: value for key, value in item.items() if key != "user"}
        return {
            "id": snowflake(item["id"]), "guild_id": guild_id, "name": clip(item.get("name"), 200),
            "payload": storable(kept), "deleted_at": None,
        }  # fmt: skip

    def channel(item: Channel) -> Row:
        own = access.get(int(item["id"]))
        return channel_row(item, guild_id, own or access.get(int(item.get("parent_id") or 0), "no_view"))

    return GuildRows(
        guild=_guild(guild, guild_id),
        roles=each(guild["roles"], part),
        emojis=each(guild["emojis"], part),
        stickers=each(guild.get("stickers") or [], part),
        channels=each(channels, channel),
        events=each(events, lambda item: _event(item, guild_id)),
        accounts=each([event["creator"] for event in events if event.get("creator")], account_row),
        malformed=aside,
    )


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
