"""Every write; one transaction a page, or several pages of news. Returns what really changed."""

from discord_activity_tracker.store.checkpoints import all_states, drop_state, load_state, save_state
from discord_activity_tracker.store.fresh import Reading
from discord_activity_tracker.store.guilds import (
    alive,
    bury_channels,
    complete_scopes,
    count_messages,
    last_pins,
    remember_refusal,
    scopes_of,
    silent_scopes,
    store_events,
    store_guild,
    store_threads,
)
from discord_activity_tracker.store.messages import Stored, known_between, store_messages
from discord_activity_tracker.store.people import forget_written
from discord_activity_tracker.store.pins import newest_pin, store_pins, told_pins, undated_pins
from discord_activity_tracker.store.places import Place
from discord_activity_tracker.store.reactors import counts_to_ask, store_reactors

__all__ = [
    "Place",
    "Reading",
    "Stored",
    "alive",
    "all_states",
    "bury_channels",
    "complete_scopes",
    "count_messages",
    "counts_to_ask",
    "drop_state",
    "forget_written",
    "known_between",
    "last_pins",
    "load_state",
    "newest_pin",
    "remember_refusal",
    "save_state",
    "scopes_of",
    "silent_scopes",
    "store_events",
    "store_guild",
    "store_messages",
    "store_pins",
    "store_reactors",
    "store_threads",
    "told_pins",
    "undated_pins",
]
