"""Every write; one transaction a page. Returns what really changed."""

from discord_activity_tracker.store.checkpoints import all_states, drop_state, load_state, save_state
from discord_activity_tracker.store.guilds import (
    bury_channels,
    complete_scopes,
    finish_listing,
    scopes_of,
    set_access,
    store_guild,
    store_threads,
)
from discord_activity_tracker.store.messages import Place, Stored, known_between, store_messages, store_pins
from discord_activity_tracker.store.people import forget_written
from discord_activity_tracker.store.reactors import counts_to_ask, store_reactors

__all__ = [
    "Place",
    "Stored",
    "all_states",
    "bury_channels",
    "complete_scopes",
    "counts_to_ask",
    "drop_state",
    "finish_listing",
    "forget_written",
    "known_between",
    "load_state",
    "save_state",
    "scopes_of",
    "set_access",
    "store_guild",
    "store_messages",
    "store_pins",
    "store_reactors",
    "store_threads",
]
