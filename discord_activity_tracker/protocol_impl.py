"""The tracker's classes that implement the protocols of ``core.protocols``."""

from dataclasses import dataclass

from core.ingest.records import SourceActivity, StreamState


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordActivity(SourceActivity):
    """An ``ActivityRecord`` of one message."""

    source_system: str = "discord"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordState(StreamState):
    """An ``IncrementalState`` of a channel or a list: the position up to which it has been read."""
