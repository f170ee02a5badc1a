"""A guild with its roles, emoji, stickers, channels and events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

from core.ingest.records import CONVERSION_ERRORS, Malformed, malformed_item
from core.ingest.values import Row, clean, clean_json, clip, parse_time, parse_time_or_none
from discord_activity_tracker.convert.channels import channel_row, thread_access
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.snowflakes import small_int, snowflake, snowflake_or_none, whole_number
from discord_activity_tracker.payloads import Channel, Event, Guild

APART = {"roles", "emojis", "stickers"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows of one list, and what of the list could not be converted."""

    rows: list[Row]
    malformed: list[Malformed]
    whole: bool = True
    """Whether the list can be compared with what is stored: what is absent from it is gone."""

    @property
    def set_aside(self) -> set[int]:
        """Ids of malformed items: they exist, so they are not gone."""
        return {int(pk) for pk in map(_id, self.malformed) if pk.isascii() and pk.isdigit() and int(pk) < 1 << 63}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildRows:
    """Everything that one look at a guild says. ``guild["name"]`` is empty where Discord does not tell it."""

    guild: Row
    roles: Rows
    emojis: Rows
    stickers: Rows
    channels: Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRows:
    """Scheduled events and who made them."""

    events: Rows
    accounts: Rows


def usable_channels(items: Iterable[object]) -> tuple[list[Channel], list[Malformed]]:
    """Return the channels and threads with an id, a type and parts of the right kind, and the others."""
    usable, aside = list[Channel](), list[Malformed]()
    for item in items:
        try:
            channel = cast("dict[str, Any]", item)
            snowflake(channel["id"])
            snowflake_or_none(channel.get("parent_id"))
            snowflake_or_none(channel.get("last_message_id"))
            if isinstance(channel["type"], bool) or not isinstance(channel["type"], int):
                raise TypeError("type")
            metadata = channel.get("thread_metadata")
            if metadata is not None and not isinstance(metadata, dict):
                raise TypeError("thread_metadata")
        except CONVERSION_ERRORS as error:
            aside.append(malformed_item(item, error))
        else:
            usable.append(cast("Channel", channel))
    return usable, aside


def convert_guild(
    guild: Guild, channels: Sequence[Channel], access: Mapping[int, str], gaps: Mapping[int, str]
) -> GuildRows:
    """Rows of a guild; ``channels`` include the active threads, which have the access of their parents.

    ``gaps`` says by channel, in words, what the bot cannot read there.
    """
    guild_id = snowflake(guild["id"])

    def part(item: Mapping[str, Any]) -> Row:
        kept = {key: value for key, value in item.items() if key != "user"}
        return {
            "id": snowflake(item["id"]), "guild_id": guild_id, "name": clip(item.get("name"), 200),
            "payload": clean_json(kept), "deleted_at": None,
        }  # fmt: skip

    def channel(item: Channel) -> Row:
        own = access.get(int(item["id"])) if not item.get("thread_metadata") else None
        word = own or access.get(int(item.get("parent_id") or 0), "no_view")
        return channel_row(item, guild_id, thread_access(word) if item.get("thread_metadata") else word, gaps)

    return GuildRows(
        guild=_guild(guild, guild_id),
        roles=_each(guild.get("roles"), part),
        emojis=_each(guild.get("emojis"), part),
        stickers=_each(guild.get("stickers"), part),
        channels=_each(channels, channel),
    )


def convert_threads(threads: Iterable[object], guild_id: int, access: str) -> Rows:
    """Rows of threads of one channel, whose ``access`` they share."""
    usable, aside = usable_channels(threads)
    rows = _each(usable, lambda item: channel_row(item, guild_id, thread_access(access), {}))
    return Rows(rows=rows.rows, malformed=[*aside, *rows.malformed])


def convert_events(events: Sequence[Event], guild_id: int) -> EventRows:
    """Rows of scheduled events."""
    creators = [event.get("creator") for event in events if isinstance(event, dict)]  # pyright: ignore[reportUnnecessaryIsInstance]  # as it came
    return EventRows(
        events=_each(events, lambda item: _event(item, guild_id)),
        accounts=_each([creator for creator in creators if creator], account_row),
    )


def _each(items: object, make: Callable[[Any], Row]) -> Rows:
    """Convert one by one; what is malformed is set aside. Something that is no list has no items."""
    rows, aside = list[Row](), list[Malformed]()
    whole = isinstance(items, Sequence) and not isinstance(items, str)
    for item in cast("Sequence[Any]", items) if whole else ():
        try:
            rows.append(make(item))
        except CONVERSION_ERRORS as error:
            aside.append(malformed_item(item, error))
    whole = whole and all(pk.isascii() and pk.isdigit() for pk in map(_id, aside))
    return Rows(rows=rows, malformed=aside, whole=whole)


_id = attrgetter("external_id")


def _guild(guild: Guild, guild_id: int) -> Row:
    return {
        "id": guild_id,
        "name": clip(_text(guild.get("name")), 200),
        "description": clean(_text(guild.get("description"))),
        "icon": clip(_text(guild.get("icon")), 200),
        "owner_id": owner if (owner := whole_number(guild.get("owner_id"))) is None or owner < 1 << 63 else None,
        "payload": clean_json({key: value for key, value in guild.items() if key not in APART}),
        "enabled": True,
    }


def _text(value: object) -> str:
    """A text; empty for anything else: one odd field must not cost a guild."""
    return value if isinstance(value, str) else ""


def _event(event: Event, guild_id: int) -> Row:
    return {
        "id": snowflake(event["id"]),
        "guild_id": guild_id,
        "name": clip(event["name"], 200),
        "payload": clean_json({key: value for key, value in event.items() if key != "creator"}),
        "deleted_at": None,
        "channel_id": snowflake_or_none(event.get("channel_id")),
        "description": clean(event.get("description")),
        "starts_at": parse_time(event["scheduled_start_time"]),
        "ends_at": parse_time_or_none(event.get("scheduled_end_time")),
        "status": small_int(event["status"]),
        "user_count": small_int(event.get("user_count")),
    }
