"""Tables of the Discord tracker. The primary keys of Discord's objects are their snowflake ids."""

from discord_activity_tracker.models.guilds import (
    Channel,
    Emoji,
    FormerChannelName,
    Guild,
    Role,
    ScheduledEvent,
    Sticker,
)
from discord_activity_tracker.models.messages import Message, Reactor, Revision
from discord_activity_tracker.models.people import Account, FormerName

__all__ = [
    "Account",
    "Channel",
    "Emoji",
    "FormerChannelName",
    "FormerName",
    "Guild",
    "Message",
    "Reactor",
    "Revision",
    "Role",
    "ScheduledEvent",
    "Sticker",
]
