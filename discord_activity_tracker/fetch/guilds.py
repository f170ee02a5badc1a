"""Request guilds, channels, active threads and scheduled events."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from core.errors import CollectorError, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.discord_ops import DiscordClient, DiscordRefused, NotThere, RequestBlocked
from discord_activity_tracker.payloads import Channel, Event, Guild, Member

GUILDS_PAGE = 200
"""Number of guilds per page of the bot's list. This is Discord's maximum."""
OBJECT_ERRORS = (NotThere, DiscordRefused, SourceUnavailable, SourceTimeout, UnexpectedAnswer)
"""Errors of a request for one object. After such an error, other objects may still be readable."""
OBJECT_ATTEMPTS = 3
"""Maximum number of attempts to request one object.

The number is small, because a single object may fail permanently. Other requests show whether Discord as a whole is
down.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildFacts:
    """A guild with its channels and active threads, from four requests.

    ``threads`` is ``None`` if the active threads could not be listed. In that case, ``threads_error`` contains the
    reason. ``member`` is ``None`` if the bot's own membership could not be read.
    """

    guild: Guild
    channels: list[Channel]
    threads: list[Channel] | None
    member: Member | None
    user_id: int
    threads_error: CollectorError | None = None


async def list_own_guilds(client: DiscordClient) -> dict[int, int]:
    """Return the bot's permission bits by guild id, for all guilds that the bot is in.

    The bits do not include the permission overwrites of channels.
    https://discord.com/developers/docs/resources/user#get-current-user-guilds
    """
    guilds: dict[int, int] = {}
    while True:
        params = {"limit": GUILDS_PAGE} | ({"after": max(guilds)} if guilds else {})
        page = await client.get("/users/@me/guilds", list[Any], params)
        new = {guild_id: _permission_bits(item) for item in page if (guild_id := _id_of(item))}
        if not new.keys() - guilds.keys():
            return guilds
        guilds |= new
        if len(page) < GUILDS_PAGE and len(guilds) >= client.guild_count:
            return guilds


async def read_guild(client: DiscordClient, guild_id: int) -> GuildFacts:
    """Request a guild, its channels, its active threads and the bot's membership.

    Raises SourceUnavailable for a guild in an outage, because its lists would be empty. Raises UnexpectedAnswer if
    Discord returns another object. Also raises the errors of ``client.get``.
    """
    guild, channels, threads, member = await asyncio.gather(
        client.get("/guilds/{guild_id}", dict[str, Any], guild_id=guild_id),
        client.get("/guilds/{guild_id}/channels", list[Any], guild_id=guild_id),
        _or_error(list_active_threads(client, guild_id)),
        _or_error(_read_member(client, guild_id)),
    )
    if guild.get("unavailable"):
        raise SourceUnavailable("Discord reports an outage of this server. Run again later.")
    if _id_of(guild) != guild_id:
        raise UnexpectedAnswer(f"Discord sent something other than server {guild_id}. Run again later.")
    failed = isinstance(threads, CollectorError)
    return GuildFacts(
        guild=cast("Guild", guild),
        channels=channels,
        threads=None if failed else threads,
        threads_error=threads if failed else None,
        member=None if isinstance(member, CollectorError) else member,
        user_id=client.user_id,
    )


async def read_base_permissions(client: DiscordClient, guild_id: int) -> int | None:
    """Return the bot's permission bits in a guild as Discord computes them from the roles, or ``None`` if unknown."""
    params = {"limit": 1, "after": guild_id - 1}
    try:
        page = await client.get("/users/@me/guilds", list[Any], params, attempts=OBJECT_ATTEMPTS)
    except OBJECT_ERRORS:
        return None
    return next((_permission_bits(item) for item in page if _id_of(item) == guild_id), None)


async def list_active_threads(client: DiscordClient, guild_id: int) -> list[Channel]:
    """Return the threads that are not archived, of all channels that the bot can see.

    Raises UnexpectedAnswer if Discord returns no list of threads.
    """
    answer = await client.get("/guilds/{guild_id}/threads/active", dict[str, Any], guild_id=guild_id)
    threads = answer.get("threads")
    if not isinstance(threads, list):
        raise UnexpectedAnswer("Discord sent something other than a list of active threads. Run again later.")
    return cast("list[Channel]", threads)


async def count_messages(client: DiscordClient, guild_id: int) -> int | None:
    """Return the number of a guild's messages that the bot can search, or ``None`` if Discord does not report it.

    https://discord.com/developers/docs/resources/message#search-guild-messages
    """
    try:
        answer = await client.get("/guilds/{guild_id}/messages/search", dict[str, Any], {"limit": 1}, guild_id=guild_id)
    except DiscordRefused:
        return None
    total: object = answer.get("total_results")
    return total if isinstance(total, int) else None


async def read_events(client: DiscordClient, guild_id: int) -> list[Event]:
    """Return the scheduled events that have not ended."""
    params = {"with_user_count": "true"}
    return await client.get("/guilds/{guild_id}/scheduled-events", list[Any], params, guild_id=guild_id)


async def read_channel(client: DiscordClient, channel_id: int) -> Channel | None:
    """Return a channel or thread, or ``None`` if it was deleted."""
    try:
        payload = await client.get(
            "/channels/{channel_id}", dict[str, Any], attempts=OBJECT_ATTEMPTS, channel_id=channel_id
        )
    except NotThere as error:
        if error.code == NotThere.UNKNOWN_CHANNEL:
            return None
        raise
    return cast("Channel", payload)


async def _read_member(client: DiscordClient, guild_id: int) -> Member:
    path = "/guilds/{guild_id}/members/{user_id}"
    return cast("Member", await client.get(path, dict[str, Any], guild_id=guild_id, user_id=client.user_id))


async def _or_error(work: Any) -> Any:
    """Return the result of a request, or the error if other objects may still be readable."""
    try:
        return await work
    except RequestBlocked:
        raise
    except OBJECT_ERRORS as error:
        return error


def _id_of(item: object) -> int:
    """Return the id of an object, or 0 if the value is not an object with an id."""
    text = cast("Mapping[str, object]", item).get("id") if isinstance(item, Mapping) else None
    return int(text) if isinstance(text, str | int) and str(text).isascii() and str(text).isdigit() else 0


def _permission_bits(item: object) -> int:
    text = cast("Mapping[str, object]", item).get("permissions")
    return int(text) if isinstance(text, str | int) and str(text).isascii() and str(text).isdigit() else 0
