"""Say whether everyone in a server can read a channel."""

from collections.abc import Mapping
from typing import Any, cast

from discord_activity_tracker.convert.guilds import VIEW_CHANNEL, Permissions
from discord_activity_tracker.payloads import Channel, Guild, Member

NO_ROLES = cast("Member", {"roles": []})
"""A member without roles. A member's list of roles does not contain the role that everyone has."""
PRIVATE_THREAD = "private_thread"
"""The kind of the threads that only invited members can read."""


def is_hidden(channel: Mapping[str, Any], guild_id: int, everyone: Mapping[str, Any] | None) -> bool:
    """Return whether a member without roles cannot see a channel.

    ``channel`` is the channel's payload, and ``everyone`` is the payload of the role that every member has. Without the
    role, only the channel's own permissions count.
    """
    guild = cast("Guild", {"id": str(guild_id), "roles": [everyone] if everyone else []})
    return not Permissions(guild, NO_ROLES, 0).of(cast("Channel", channel)) & VIEW_CHANNEL
