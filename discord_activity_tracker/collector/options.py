"""The options of ``collect_discord``, the servers they select, and ids that no bot can see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from core.errors import ConfigurationError
from core.models import Scope
from discord_activity_tracker.convert.exports import EXPORTED
from discord_activity_tracker.models import Channel, Guild


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectOptions:
    """The options of ``collect_discord``. ``since`` is aware; a budget of ``None`` is unlimited, time is in seconds."""

    guilds: Sequence[str] = ()
    channel: int | None = None
    since: datetime | None = None
    full: bool = False
    sweep: bool = False
    reactors: bool = False
    max_requests: int | None = None
    max_seconds: float | None = None


def selected_guilds(names: Sequence[str]) -> list[int]:
    """Return the ids of the named guilds, else of DISCORD_GUILDS and of guilds enabled in the admin; stalest first.

    Empty when nothing selects a guild. Raises ``ConfigurationError`` for a name that is not an id.
    """
    guild_ids = [_guild_id(name) for name in names or settings.DISCORD_GUILDS]
    if not names:
        guild_ids += Guild.objects.filter(enabled=True).values_list("pk", flat=True)
    unique = list(dict.fromkeys(guild_ids))
    return sorted(unique, key=_last_completed)


def disabled_guilds() -> set[int]:
    """Return the ids of guilds that are switched off in the admin."""
    return set(Guild.objects.filter(enabled=False).values_list("pk", flat=True))


def switched_off_note(guild_id: int) -> str:
    """Return a note for a server that a bot is in and that is only collected by name."""
    guild = Guild.objects.get(pk=guild_id)
    origin = "was imported from files and " if EXPORTED in guild.payload else ""
    return (
        f"the server {guild.name} {origin}is switched off and was not collected. To collect it with every run, open it "
        f'under "Guilds" in the admin and tick "Enabled"; once: collect_discord {guild_id}'
    )


def guild_name(guild_id: int) -> str | None:
    """Return the name of a guild; ``None`` before it has been collected."""
    return Guild.objects.filter(pk=guild_id).values_list("name", flat=True).first()


def is_known_channel(channel_id: int) -> bool:
    """Return whether a channel or thread was collected before."""
    return Channel.objects.filter(pk=channel_id).exists()


def _last_completed(guild_id: int) -> str:
    """Return the ISO time when any channel of a guild was last completed; empty for never."""
    scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    latest: datetime | None = scopes.aggregate(latest=Max("last_completed_at"))["latest"]
    return latest.isoformat() if latest else ""


def _guild_id(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 1 << 63:
        return int(text)
    raise ConfigurationError(
        f"{text!r} is not the id of a server. Switch on Developer Mode in Discord, "
        "then right-click the server and choose Copy Server ID."
    )
