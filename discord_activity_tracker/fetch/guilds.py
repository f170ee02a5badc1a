"""Guilds: what there is to read, and what the bot may."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from core.errors import NotFound
from core.operations.discord_ops import DiscordClient
from discord_activity_tracker.payloads import Channel, Event, Guild, Member


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildFacts:
    """One look at a guild: five requests. ``threads`` are the active ones."""

    guild: Guild
    channels: list[Channel]
    threads: list[Channel]
    member: Member
    events: list[Event]
    user_id: int


async def own_guilds(client: DiscordClient) -> list[int]:
    """The guilds that the bot was invited to."""
    found: list[int] = []
    while True:
        params = {"limit": 200} | ({"after": found[-1]} if found else {})
        page = await client.get("/users/@me/guilds", list[Any], params)
        found += [int(item["id"]) for item in page]
        if len(page) < 200:
            return found


async def read_guild(client: DiscordClient, guild_id: int) -> GuildFacts:
    """Ask for everything that is not a list of messages or of archived threads."""
    guild, channels, active, member, events = await asyncio.gather(
        client.get("/guilds/{guild_id}", dict[str, Any], guild_id=guild_id),
        client.get("/guilds/{guild_id}/channels", list[Any], guild_id=guild_id),
        client.get("/guilds/{guild_id}/threads/active", dict[str, Any], guild_id=guild_id),
        client.get(
            "/guilds/{guild_id}/members/{user_id}", dict[str, Any], guild_id=guild_id, user_id=client.user_id
        ),
        client.get("/guilds/{guild_id}/scheduled-events", list[Any], {"with_user_count": "true"}, guild_id=guild_id),
    )
    return GuildFacts(
        guild=cast("Guild", guild),
        channels=channels,
        threads=list(active.get("threads") or []),
        member=cast("Member", member),
        events=events,
        user_id=client.user_id,
    )


async def read_channel(client: DiscordClient, channel_id: int) -> Channel | None:
    """A channel or thread by its id; ``None`` when Discord does not know it any more."""
    try:
        return cast("Channel", await client.get("/channels/{channel_id}", dict[str, Any], channel_id=channel_id))
    except NotFound:
        return None
