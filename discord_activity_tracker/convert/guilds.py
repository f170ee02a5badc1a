"""Convert guilds with their channels, roles, emoji, stickers and events, and compute the bot's permissions.

https://discord.com/developers/docs/resources/channel#channel-object-channel-types
https://discord.com/developers/docs/topics/permissions#permission-overwrites
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

from core.ingest.records import CONVERSION_ERRORS, Malformed, malformed_item
from core.ingest.values import Row, clean, clean_json, clip, parse_time, parse_time_or_none
from discord_activity_tracker.convert.messages import account_row, small_int, snowflake, snowflake_or_none, whole_number
from discord_activity_tracker.payloads import Channel, Event, Guild, Member

KINDS = {
    0: "text",
    1: "dm",
    2: "voice",
    3: "group_dm",
    4: "category",
    5: "announcement",
    10: "announcement_thread",
    11: "public_thread",
    12: "private_thread",
    13: "stage",
    14: "directory",
    15: "forum",
    16: "media",
}
TEXT, CATEGORY, ANNOUNCEMENT = 0, 4, 5
SWITCHABLE = frozenset({TEXT, ANNOUNCEMENT})
"""Channel types that an administrator can switch between. Existing threads keep their type after a switch."""
VOICE = frozenset({2, 13})
THREADS = frozenset({10, 11, 12})
THREADED = frozenset({0, 5, 15, 16})
"""Types of channels that can have threads."""
WITH_MESSAGES = frozenset({0, 1, 2, 3, 5, 10, 11, 12, 13})
"""Types of channels and threads that contain messages."""


def kind_of(number: int) -> str:
    """Return the name of a channel type, or ``unknown_<n>`` for a type that is not in the table."""
    return KINDS.get(number, f"unknown_{number}")


def holds_messages(channel: Channel) -> bool:
    """Return whether a channel can contain messages. A channel of an unknown type can if it has a last message."""
    known = channel["type"] in KINDS
    return channel["type"] in WITH_MESSAGES if known else bool(channel.get("last_message_id"))


def thread_access(parent: str) -> str:
    """Return the bot's access to a thread, given the access to its channel. A forum itself has no messages."""
    return "ok" if parent == "no_messages" else parent


def channel_row(channel: Channel, guild_id: int, access: str, gaps: Mapping[int, str]) -> Row:
    """Return the row of a channel or thread. ``gaps`` describes, by channel id, the data that the bot cannot read."""
    thread = channel.get("thread_metadata")
    tags = channel.get("applied_tags") if thread else channel.get("available_tags")
    return {
        "id": snowflake(channel["id"]),
        "guild_id": guild_id,
        "parent_id": snowflake_or_none(channel.get("parent_id")),
        "type": small_int(channel["type"]),
        "kind": kind_of(channel["type"]),
        "is_thread": thread is not None,
        "name": clip(channel.get("name"), 200),
        "topic": clean(channel.get("topic")),
        "position": small_int(channel.get("position")),
        "nsfw": bool(channel.get("nsfw")),
        "owner_id": snowflake_or_none(channel.get("owner_id")),
        "archived": bool(thread and thread.get("archived")),
        "locked": bool(thread and thread.get("locked")),
        "archive_timestamp": parse_time_or_none(thread.get("archive_timestamp")) if thread else None,
        "tags": clean_json(tags or []),
        "last_message_id": snowflake_or_none(channel.get("last_message_id")),
        "last_pin_timestamp": parse_time_or_none(channel.get("last_pin_timestamp")),
        "payload": clean_json({key: value for key, value in channel.items() if key != "member"}),
        "access": access,
        "gap": gaps.get(int(channel["id"]), ""),
        "deleted_at": None,
    }


OWN_TABLES = {"roles", "emojis", "stickers"}
"""Fields of a guild that are stored in separate tables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """The rows of one list, and the malformed items of the list."""

    rows: list[Row]
    malformed: list[Malformed]
    whole: bool = True
    """Whether the list is complete, so that an item that is absent from it has been deleted."""

    @property
    def set_aside(self) -> set[int]:
        """The ids of malformed items. These items exist, so they do not count as deleted."""
        return {int(pk) for pk in map(_id, self.malformed) if pk.isascii() and pk.isdigit() and int(pk) < 1 << 63}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildRows:
    """The rows of a guild and its parts. ``guild["name"]`` is empty if Discord does not report a name."""

    guild: Row
    roles: Rows
    emojis: Rows
    stickers: Rows
    channels: Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRows:
    """Scheduled events and the accounts of their creators."""

    events: Rows
    accounts: Rows


def usable_channels(items: Iterable[object]) -> tuple[list[Channel], list[Malformed]]:
    """Return the channels and threads that have valid essential fields, and the malformed items."""
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
    """Return the rows of a guild and its parts.

    ``channels`` includes the active threads, which inherit the access of their channel. ``gaps`` describes, by channel
    id, the data that the bot cannot read.
    """
    guild_id = snowflake(guild["id"])

    def part(item: Mapping[str, Any]) -> Row:
        payload = {key: value for key, value in item.items() if key != "user"}
        return {
            "id": snowflake(item["id"]), "guild_id": guild_id, "name": clip(item.get("name"), 200),
            "payload": clean_json(payload), "deleted_at": None,
        }  # fmt: skip

    def channel(item: Channel) -> Row:
        own = access.get(int(item["id"])) if not item.get("thread_metadata") else None
        channel_access = own or access.get(int(item.get("parent_id") or 0), "no_view")
        return channel_row(
            item, guild_id, thread_access(channel_access) if item.get("thread_metadata") else channel_access, gaps
        )

    return GuildRows(
        guild=_guild(guild, guild_id),
        roles=_each(guild.get("roles"), part),
        emojis=_each(guild.get("emojis"), part),
        stickers=_each(guild.get("stickers"), part),
        channels=_each(channels, channel),
    )


def convert_threads(threads: Iterable[object], guild_id: int, access: str) -> Rows:
    """Return the rows of the threads of one channel. The threads inherit the channel's ``access``."""
    usable, aside = usable_channels(threads)
    rows = _each(usable, lambda item: channel_row(item, guild_id, thread_access(access), {}))
    return Rows(rows=rows.rows, malformed=[*aside, *rows.malformed])


def convert_events(events: Sequence[Event], guild_id: int) -> EventRows:
    """Return the rows of scheduled events and the account rows of their creators."""
    creators = [event.get("creator") for event in events if isinstance(event, dict)]  # pyright: ignore[reportUnnecessaryIsInstance]  # unchecked JSON
    return EventRows(
        events=_each(events, lambda item: _event(item, guild_id)),
        accounts=_each([creator for creator in creators if creator], account_row),
    )


def _each(items: object, make: Callable[[Any], Row]) -> Rows:
    """Convert the items of a list one by one and collect malformed items separately.

    A value that is not a list counts as an empty, incomplete list. A list with a malformed item counts as incomplete if
    the item has no valid id.
    """
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
        "payload": clean_json({key: value for key, value in guild.items() if key not in OWN_TABLES}),
        "enabled": True,
    }


def _text(value: object) -> str:
    """Return the value if it is a string, else "". One malformed field must not make the whole guild fail."""
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


ADMINISTRATOR = 1 << 3
VIEW_CHANNEL = 1 << 10
READ_MESSAGE_HISTORY = 1 << 16
CONNECT = 1 << 20
MANAGE_THREADS = 1 << 34
EVERYTHING = (1 << 60) - 1
READING = VIEW_CHANNEL | READ_MESSAGE_HISTORY | CONNECT
"""Permissions to assume if the real ones are unknown. If the assumption is wrong, Discord refuses the requests."""
GAP_TEXTS = {
    "no_view": "is hidden from the bot: grant VIEW_CHANNEL",
    "no_history": "hides its history from the bot: grant READ_MESSAGE_HISTORY",
    "no_connect": "is a voice channel with messages that the bot may not read: grant CONNECT",
    "no_private_threads": "archived private threads are shown only where the bot joined: grant MANAGE_THREADS",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A channel that the bot cannot read completely. ``reason`` is a key of ``GAP_TEXTS``."""

    channel_id: int
    name: str
    reason: str

    @property
    def words(self) -> str:
        """The description of the missing data and the permission to grant."""
        return GAP_TEXTS[self.reason]

    @property
    def line(self) -> str:
        """A line for the operator: the name of the channel and the description of the gap."""
        return f"#{self.name} {self.words}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Overwrite:
    """The permission bits that a channel allows and denies to a role or a member."""

    is_role: bool
    allow: int
    deny: int


class Permissions:
    """The bot's permissions in one guild.

    Parts of the guild or of the membership may be missing or malformed. In that case, ``certain`` is false and the
    computed permissions are the maximum that the bot can have. They include ``base`` (the bits that Discord computes,
    without overwrites), or ``READING`` if ``base`` is unknown. If the bot's roles are unknown, they also include
    everything that a channel allows to any role. Discord then refuses the requests that the bot may not send.
    """

    def __init__(self, guild: Guild, member: Member | None, user_id: int, base: int | None = None) -> None:
        self._guild_id, self._user_id = str(guild["id"]), str(user_id)
        roles: object = member.get("roles") if isinstance(member, dict) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # unchecked JSON
        self._roles = {str(role) for role in cast("list[object]", roles)} if isinstance(roles, list) else None
        bits = [self._bits_of_role(role) for role in _objects(guild.get("roles"))]
        everyone = any(str(role.get("id")) == self._guild_id for role in _objects(guild.get("roles")))
        self.certain = self._roles is not None and everyone and None not in bits
        self._base = 0
        for number in bits:
            self._base |= number or 0
        if not self.certain:
            self._base |= READING if base is None else base
        if str(guild.get("owner_id")) == self._user_id:
            self._base = EVERYTHING

    def _bits_of_role(self, role: Mapping[str, Any]) -> int | None:
        """Return the bits that a role gives to the bot, or ``None`` if they are unknown."""
        pk = str(role.get("id"))
        if pk != self._guild_id and pk not in (self._roles or ()):
            return 0
        return whole_number(role.get("permissions"))

    def of(self, channel: Channel) -> int:
        """Return the bot's permission bits in a channel. A thread has the permissions of its channel."""
        if self._base & ADMINISTRATOR:
            return EVERYTHING
        bits = self._base
        by_id = _overwrites(channel)
        if everyone := by_id.pop(self._guild_id, None):
            bits = bits & ~everyone.deny | everyone.allow
        own = by_id.pop(self._user_id, None)
        mine = [one for pk, one in by_id.items() if one.is_role and (self._roles is None or pk in self._roles)]
        if self._roles is not None:
            for one in mine:
                bits &= ~one.deny
        for one in mine:
            bits |= one.allow
        return bits & ~own.deny | own.allow if own else bits

    def access(self, channel: Channel) -> str:
        """Return the ``Channel.Access`` of the messages in the channel itself."""
        bits = self.of(channel)
        if not bits & VIEW_CHANNEL:
            return "no_view"
        if not holds_messages(channel):
            return "no_messages"
        if channel["type"] in VOICE and not bits & CONNECT:
            return "no_connect"
        return "ok" if bits & READ_MESSAGE_HISTORY else "no_history"

    def lists_threads(self, channel: Channel) -> bool:
        """Return whether the bot may list the archived threads of a channel."""
        needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY
        return channel["type"] in THREADED and self.of(channel) & needed == needed

    def lists_private_threads(self, channel: Channel) -> bool:
        """Return whether the bot may list all private archived threads, and not only the threads that it joined."""
        return bool(self.of(channel) & MANAGE_THREADS)

    def gaps(self, channels: Sequence[Channel]) -> list[Gap]:
        """Return a gap for each of these channels that the bot cannot read completely."""
        return [
            Gap(channel_id=int(channel["id"]), name=channel.get("name") or channel["id"], reason=reason)
            for channel in channels
            if (reason := self._gap(channel))
        ]

    def _gap(self, channel: Channel) -> str:
        access = self.access(channel)
        if channel["type"] == CATEGORY:
            return ""  # the channels in the category are reported separately
        if access in GAP_TEXTS:
            return access
        if channel["type"] in THREADED and not self.lists_threads(channel):
            return "no_history"
        return "no_private_threads" if channel["type"] == TEXT and not self.lists_private_threads(channel) else ""


def access_by_channel(permissions: Permissions, channels: Sequence[Channel]) -> Mapping[int, str]:
    """Return the bot's access to each channel, by channel id."""
    return {int(channel["id"]): permissions.access(channel) for channel in channels}


def _objects(items: object) -> Iterable[Mapping[str, Any]]:
    """Return the JSON objects in a list. Other members are left out, and any other value counts as an empty list."""
    return [item for item in cast("list[Any]", items) if isinstance(item, dict)] if isinstance(items, list) else []


def _overwrites(channel: Channel) -> dict[str, _Overwrite]:
    """Return the overwrites of a channel by role id or member id. Malformed overwrites are left out."""
    overwrites: dict[str, _Overwrite] = {}
    for item in _objects(channel.get("permission_overwrites")):
        allow, deny = whole_number(item.get("allow") or 0), whole_number(item.get("deny") or 0)
        if allow is not None and deny is not None:
            overwrites[str(item.get("id"))] = _Overwrite(
                is_role=item.get("type") in {0, "role"}, allow=allow, deny=deny
            )
    return overwrites
