"""The tracker's own classes that fulfil the protocols of ``core.protocols``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordActivity:
    """An ``ActivityRecord``: one message, with what the timeline wants to know besides."""

    external_id: str
    occurred_at: str
    activity_type: str
    actor_external_id: str
    source_url: str
    summary: str
    actor_name: str
    edited_at: datetime | None = None
    source_system: str = "discord"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscordState:
    """An ``IncrementalState``: how far a channel or a list has been read."""

    checkpoint_token: str = ""
    human_readable_marker: str = ""
    extras: Mapping[str, object] = field(default_factory=dict[str, object])
