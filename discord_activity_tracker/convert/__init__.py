"""Payloads become rows. Pure: no request, no clock, no database."""

from discord_activity_tracker.convert.channels import (
    SWITCHABLE,
    TEXT,
    channel_row,
    holds_messages,
    kind_of,
    thread_access,
)
from discord_activity_tracker.convert.guilds import (
    EventRows,
    GuildRows,
    Rows,
    convert_events,
    convert_guild,
    convert_threads,
    usable_channels,
)
from discord_activity_tracker.convert.message_types import message_type
from discord_activity_tracker.convert.messages import MessagePage, convert_messages, emoji_key
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.permissions import WORDS, Gap, Permissions, accesses
from discord_activity_tracker.convert.snowflakes import first_at, moment_of
from discord_activity_tracker.convert.words import parts, said, summary

__all__ = [
    "SWITCHABLE",
    "TEXT",
    "WORDS",
    "EventRows",
    "Gap",
    "GuildRows",
    "MessagePage",
    "Permissions",
    "Rows",
    "accesses",
    "account_row",
    "channel_row",
    "convert_events",
    "convert_guild",
    "convert_messages",
    "convert_threads",
    "emoji_key",
    "first_at",
    "holds_messages",
    "kind_of",
    "message_type",
    "moment_of",
    "parts",
    "said",
    "summary",
    "thread_access",
    "usable_channels",
]
