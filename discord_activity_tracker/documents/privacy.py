"""Say which channels and threads not everyone in the server can read."""

from collections.abc import Iterable
from typing import cast

from discord_activity_tracker.convert.guilds import VIEW_CHANNEL, Permissions
from discord_activity_tracker.models import Channel, Role
from discord_activity_tracker.payloads import Channel as ChannelPayload
from discord_activity_tracker.payloads import Guild as GuildPayload
from discord_activity_tracker.payloads import Member

EVERYONE = cast("Member", {"roles": []})
"""A member without any role. The role that everyone has is not in the list of roles of a member."""
PRIVATE_THREAD = "private_thread"


def private_channels(channels: Iterable[Channel]) -> set[int]:
    """Return the ids of those channels and threads that a member without roles cannot see, in one SQL statement.

    A thread has the permissions of its channel, which must be among ``channels``. A channel counts as visible if its
    permissions are not known.
    """
    by_id = {channel.pk: channel for channel in channels}
    everyone = _everyone(by_id.values())
    private: set[int] = set()
    for channel in by_id.values():
        owner = by_id.get(channel.parent_id or 0) if channel.is_thread else channel
        permissions = everyone[channel.guild_id]
        hidden = owner is not None and not permissions.of(cast("ChannelPayload", owner.payload)) & VIEW_CHANNEL
        if hidden or channel.kind == PRIVATE_THREAD:
            private.add(channel.pk)
    return private


def _everyone(channels: Iterable[Channel]) -> dict[int, Permissions]:
    """Return the permissions of a member without roles, by guild id."""
    guilds = {channel.guild_id for channel in channels}
    # The role of everyone has the id of the guild.
    roles = dict(Role.objects.filter(pk__in=guilds, deleted_at=None).values_list("pk", "payload"))
    payloads = {guild: {"id": str(guild), "roles": [roles[guild]] if guild in roles else []} for guild in guilds}
    return {guild: Permissions(cast("GuildPayload", payloads[guild]), EVERYONE, 0) for guild in guilds}
