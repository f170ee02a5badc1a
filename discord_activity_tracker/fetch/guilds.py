"""Guilds: what there is to read, and what the bot may."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from core.operations.discord_ops import DiscordClient, DiscordRefused, NotThere
from discord_activity_tracker.payloads import Channel, Event, Guild, Member


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildFacts:
    """One look at a guild: four requests. ``threads`` are the active ones."""

    guild: Guild
    channels: list[Channel]
    threads: list[Channel]
    member: Member
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
    """Ask for everything that is not a list of messages, of archived threads or of events."""
    guild, channels, threads, member = await asyncio.gather(
        client.get("/guilds/{guild_id}", dict[str, Any], guild_id=guild_id),
        client.get("/guilds/{guild_id}/channels", list[Any], guild_id=guild_id),
        active_threads(client, guild_id),
        client.get("/guilds/{guild_id}/members/{user_id}", dict[str, Any], guild_id=guild_id, user_id=client.user_id),
    )
    return GuildFacts(
        guild=cast("Guild", guild),
        channels=channels,
        threads=threads,
        member=cast("Member", member),
        user_id=client.user_id,
    )


async def active_threads(client: DiscordClient, guild_id: int) -> list[Channel]:
    """The threads that are not archived, of all channels that the bot sees."""
    found = await client.get("/guilds/{guild_id}/threads/active", dict[str, Any], guild_id=guild_id)
    return list(found.get("threads") or [])


async def how_many_messages(client: DiscordClient, guild_id: int) -> int | None:
    """How many messages the bot could find in a guild; ``None`` where Discord has no index of them.

    https://discord.com/developers/docs/resources/message#search-guild-messages
    """
    try:
        found = await client.get("/guilds/{guild_id}/messages/search", dict[str, Any], {"limit": 1}, guild_id=guild_id)
    except DiscordRefused:
        return None
    total: object = found.get("total_results")
    return total if isinstance(total, int) else None


async def read_events(client: DiscordClient, guild_id: int) -> list[Event]:
    """Scheduled events that have not ended."""
    params = {"with_user_count": "true"}
    return await client.get("/guilds/{guild_id}/scheduled-events", list[Any], params, guild_id=guild_id)


async def read_channel(client: DiscordClient, channel_id: int) -> Channel | None:
    """A channel or thread by its id; ``None`` when Discord does not know it any more."""
    try:
        return cast("Channel", await client.get("/channels/{channel_id}", dict[str, Any], channel_id=channel_id))
    except NotThere as error:
        if error.code == NotThere.UNKNOWN_CHANNEL:
            return None
        raise
