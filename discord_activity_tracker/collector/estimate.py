"""What a guild would cost, out of what Discord tells of it."""

from math import ceil

from core.collectors.estimate import Estimate
from discord_activity_tracker import convert, fetch
from discord_activity_tracker.collector.containers import containers

PER_SECOND = 40.0
"""Requests that go through in a second when there is work enough."""


def estimate(session: fetch.Session, client: fetch.Client, guild_id: int, channel: int | None) -> Estimate:
    """The cost of the next run; 5 requests are spent to learn it. Archived threads are not known before a first run."""
    facts = session.run(fetch.read_guild(client, guild_id))
    permissions = convert.Permissions(facts.guild, facts.member, facts.user_id)
    channels, _ = convert.usable_channels(facts.channels)
    threads, _ = convert.usable_channels(facts.threads or ())
    name = facts.guild.get("name") or str(guild_id)
    lists = sum(permissions.lists_threads(found) for found in channels)
    known = containers(guild_id, channel)
    if known:
        told = {int(found["id"]): int(found.get("last_message_id") or 0) for found in [*channels, *threads]}
        behind = sum(told.get(c.place.channel_id, 0) > c.seen or not c.done for c in known)
        new = len(told.keys() - {int(c["id"]) for c in channels} - {c.place.channel_id for c in known})
        requests = 7 + lists + behind + new
        note = f"{behind + new} channels and threads have something new"
        return Estimate(scope=name, requests=requests, seconds=requests / PER_SECOND, note=note)
    total = session.run(fetch.how_many_messages(client, guild_id))
    readable = sum(permissions.access(found) == "ok" for found in channels) + len(threads)
    requests = 7 + 2 * lists + readable + ceil((total or 0) / fetch.PAGE)
    items = {"messages": total or 0, "active_threads": len(threads)}
    note = "" if total is not None else "Discord does not tell how many messages there are"
    return Estimate(
        scope=name,
        requests=requests,
        seconds=requests / PER_SECOND,
        items=items if total else {},
        note=note,
    )
