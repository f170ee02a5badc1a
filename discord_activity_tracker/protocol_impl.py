"""The tracker's classes that implement the protocols of ``core.protocols``."""

from dataclasses import dataclass

from core.ingest.records import SourceActivity, StreamState

COMMON_TYPES = frozenset({"discord.default", "discord.reply"})
"""Types of the messages that people write. Most activities have one of these types."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordActivity(SourceActivity):
    """An ``ActivityRecord`` of one message."""

    source_system: str = "discord"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordState(StreamState):
    """An ``IncrementalState``: the position in a channel or list, or other data that a run saves for later runs."""
