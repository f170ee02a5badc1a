"""Every write; one transaction a page, or several pages of news. Returns what really changed."""

from discord_activity_tracker.store.append_only import Reading
from discord_activity_tracker.store.bots import BotFacts, known_bots, remember_bot
from discord_activity_tracker.store.checkpoints import all_states, drop_state, guild_key, load_state, save_state
from discord_activity_tracker.store.guilds import (
    alive,
    archived_threads,
    bury_channels,
    complete_scopes,
    count_messages,
    last_pins,
    remember_refusal,
    scopes_of,
    silent_scopes,
    store_events,
    store_guild,
    store_listed_threads,
    store_threads,
    thread_ids,
    unlisted_threads,
)
from discord_activity_tracker.store.messages import known_between, store_messages
from discord_activity_tracker.store.people import forget_written
from discord_activity_tracker.store.pins import newest_pin, store_pins, told_pins, undated_pins
from discord_activity_tracker.store.places import Place
from discord_activity_tracker.store.reactors import counts_to_ask, store_reactors
from discord_activity_tracker.store.skips import clear_others, malformed_messages, open_skips

__all__ = [
    "BotFacts",
    "Place",
    "Reading",
    "alive",
    "all_states",
    "archived_threads",
    "bury_channels",
    "clear_others",
    "complete_scopes",
    "count_messages",
    "counts_to_ask",
    "drop_state",
    "forget_written",
    "guild_key",
    "known_between",
    "known_bots",
    "last_pins",
    "load_state",
    "malformed_messages",
    "newest_pin",
    "open_skips",
    "remember_bot",
    "remember_refusal",
    "save_state",
    "scopes_of",
    "silent_scopes",
    "store_events",
    "store_guild",
    "store_listed_threads",
    "store_messages",
    "store_pins",
    "store_reactors",
    "store_threads",
    "thread_ids",
    "told_pins",
    "undated_pins",
    "unlisted_threads",
]
