"""What is remembered of each bot, by the fingerprint of its token: its name, and whether Discord refuses it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.models import Checkpoint
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import COLLECTOR, save_state

STREAM = "bot"


@dataclass(frozen=True, kw_only=True, slots=True)
class BotFacts:
    """``problem`` is one line for people, empty for a bot that can be used. ``masked`` is the end of its token."""

    digest: str
    name: str
    masked: str
    problem: str = ""


def remember_bot(bot: BotFacts) -> None:
    """Save what is known of a bot now."""
    extras = {"masked": bot.masked, "problem": bot.problem}
    save_state(f"bot:{bot.digest}", STREAM, DiscordState(human_readable_marker=bot.name, extras=extras))


def recent_bots(since: datetime) -> Mapping[str, BotFacts]:
    """Return what runs have remembered of bots since a moment, by the fingerprint of their token."""
    return _facts(Checkpoint.objects.filter(collector=COLLECTOR, stream=STREAM, updated_at__gte=since))


def known_bots(digests: Iterable[str]) -> Mapping[str, BotFacts]:
    """What is remembered of bots, by the fingerprint of their token."""
    names = [f"bot:{digest}" for digest in digests]
    return _facts(Checkpoint.objects.filter(collector=COLLECTOR, scope__in=names, stream=STREAM))


def _facts(stored: Iterable[Checkpoint]) -> Mapping[str, BotFacts]:
    return {
        digest: BotFacts(
            digest=digest,
            name=one.human_readable_marker,
            masked=str(one.extras.get("masked", "")),
            problem=str(one.extras.get("problem", "")),
        )
        for one in stored
        for digest in [one.scope.partition(":")[2]]
    }
