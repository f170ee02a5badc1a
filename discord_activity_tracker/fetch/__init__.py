"""Asks Discord, page by page. The only room that calls ``core.operations``."""

from discord_activity_tracker.fetch.guilds import (
    GuildFacts,
    active_threads,
    how_many_messages,
    own_guilds,
    read_channel,
    read_events,
    read_guild,
)
from discord_activity_tracker.fetch.messages import (
    PAGE,
    Allowance,
    MessagePage,
    PinList,
    is_there,
    messages,
    page_after,
    pins,
    reactors,
)
from discord_activity_tracker.fetch.session import Client, DiscordRefused, Gathering, NotThere, Session
from discord_activity_tracker.fetch.threads import Listing, ThreadPage, archived, archived_at

__all__ = [
    "PAGE",
    "Allowance",
    "Client",
    "DiscordRefused",
    "Gathering",
    "GuildFacts",
    "Listing",
    "MessagePage",
    "NotThere",
    "PinList",
    "Session",
    "ThreadPage",
    "active_threads",
    "archived",
    "archived_at",
    "how_many_messages",
    "is_there",
    "messages",
    "own_guilds",
    "page_after",
    "pins",
    "reactors",
    "read_channel",
    "read_events",
    "read_guild",
]
