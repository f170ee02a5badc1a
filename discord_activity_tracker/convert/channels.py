"""Channels and threads.

https://discord.com/developers/docs/resources/channel#channel-object-channel-types
"""

from collections.abc import Mapping

from core.ingest.values import Row, clean, clean_json, clip, parse_time_or_none
from discord_activity_tracker.convert.snowflakes import small_int, snowflake, snowflake_or_none
from discord_activity_tracker.payloads import Channel

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
"""Types that a channel can be switched between; its threads keep the type they were made with."""
VOICE = frozenset({2, 13})
THREADS = frozenset({10, 11, 12})
THREADED = frozenset({0, 5, 15, 16})
"""Types whose channels can have threads."""
HOLDERS = frozenset({0, 1, 2, 3, 5, 10, 11, 12, 13})


def kind_of(number: int) -> str:
    """Discord's number in a word; ``unknown_<n>`` for new ones."""
    return KINDS.get(number, f"unknown_{number}")


def holds_messages(channel: Channel) -> bool:
    """Whether messages stand in it. A type that nobody knows does when Discord names its last message."""
    known = channel["type"] in KINDS
    return channel["type"] in HOLDERS if known else bool(channel.get("last_message_id"))


def thread_access(parent: str) -> str:
    """The access of a thread: that of its parent, but a forum's posts hold messages."""
    return "ok" if parent == "no_messages" else parent


def channel_row(channel: Channel, guild_id: int, access: str, gaps: Mapping[int, str]) -> Row:
    """A channel or thread of any type; ``gaps`` says by channel, in words, what the bot cannot read."""
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
