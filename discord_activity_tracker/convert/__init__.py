"""Payloads become rows. Pure: no request, no clock, no database."""

from discord_activity_tracker.convert.channels import channel_row, kind_of
from discord_activity_tracker.convert.guilds import GuildRows, convert_guild
from discord_activity_tracker.convert.messages import Converted, convert_messages, message_type
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.permissions import Gap, Permissions
from discord_activity_tracker.convert.snowflakes import first_at, moment_of

__all__ = [
    "Converted",
    "Gap",
    "GuildRows",
    "Permissions",
    "account_row",
    "channel_row",
    "convert_guild",
    "convert_messages",
    "first_at",
    "kind_of",
    "message_type",
    "moment_of",
]
