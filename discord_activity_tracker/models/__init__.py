"""What Discord tells, in tables. Ids are Discord's own snowflakes."""

from discord_activity_tracker.models.messages import Message, Reactor, Revision
from discord_activity_tracker.models.people import Account, FormerName
from discord_activity_tracker.models.places import (
    Channel,
    Emoji,
    FormerChannelName,
    Guild,
    Role,
    ScheduledEvent,
    Sticker,
)

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
