"""Asks Discord, page by page. The only room that calls ``core.operations``."""

from discord_activity_tracker.fetch.guilds import GuildFacts, own_guilds, read_channel, read_guild
from discord_activity_tracker.fetch.messages import (
    PAGE,
    MessagePage,
    PinList,
    messages,
    newest_message,
    page_after,
    pins,
    reactors,
)
from discord_activity_tracker.fetch.session import Client, Gathering, Session
from discord_activity_tracker.fetch.threads import ThreadPage, archived

__all__ = [
    "PAGE",
    "Client",
    "Gathering",
    "GuildFacts",
    "MessagePage",
    "PinList",
    "Session",
    "ThreadPage",
    "archived",
    "messages",
    "newest_message",
    "own_guilds",
    "page_after",
    "pins",
    "reactors",
    "read_channel",
    "read_guild",
]
