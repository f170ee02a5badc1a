"""What a run is asked to do, and which guilds that means."""

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
    """The options of ``collect_discord``. ``since`` is aware; budgets are ``None`` for no bound, seconds for time."""

    guilds: Sequence[str] = ()
    channel: int | None = None
    since: datetime | None = None
    full: bool = False
    sweep: bool = False
    reactors: bool = False
    max_requests: int | None = None
    max_seconds: float | None = None


def named_guilds(names: Sequence[str]) -> list[int]:
    """The named guilds, else those of DISCORD_GUILDS and those enabled in the admin, the stalest first.

    Empty when nothing says which. Raises ``ConfigurationError`` for what is not an id.
    """
    wanted = [_guild_id(name) for name in names or settings.DISCORD_GUILDS]
    if not names:
        wanted += Guild.objects.filter(enabled=True).values_list("pk", flat=True)
    unique = list(dict.fromkeys(wanted))
    return sorted(unique, key=_last_completed)


def disabled_guilds() -> set[int]:
    """Those that are switched off in the admin."""
    return set(Guild.objects.filter(enabled=False).values_list("pk", flat=True))


def switched_off_note(guild_id: int) -> str:
    """Return a line for a server that a bot is in and that no run collects without its name."""
    guild = Guild.objects.get(pk=guild_id)
    origin = "was imported from files and " if EXPORTED in guild.payload else ""
    return (
        f"the server {guild.name} {origin}is switched off and was not collected. To collect it with every run, open it "
        f'under "Guilds" in the admin and tick "Enabled"; once: collect_discord {guild_id}'
    )


def guild_name(guild_id: int) -> str | None:
    """What people call it; ``None`` before it has been collected."""
    return Guild.objects.filter(pk=guild_id).values_list("name", flat=True).first()


def is_known_channel(channel_id: int) -> bool:
    """Return whether a channel or thread was collected before."""
    return Channel.objects.filter(pk=channel_id).exists()


def _last_completed(guild_id: int) -> str:
    """When any channel of a guild was last collected completely; empty for never."""
    scopes = Scope.objects.filter(source_system="discord", external_id__startswith=f"{guild_id}/")
    latest: datetime | None = scopes.aggregate(latest=Max("last_completed_at"))["latest"]
    return latest.isoformat() if latest else ""


def _guild_id(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 1 << 63:
        return int(text)
    raise ConfigurationError(
        f"{text!r} is not the id of a guild. In Discord switch on Developer Mode; "
        "then right-click the server and choose Copy Server ID."
    )
