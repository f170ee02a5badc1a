"""Store the data that a run saves for later runs: positions in channels and lists, known bots, and a guild's skips."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.ingest.checkpoints import Checkpoints
from core.ingest.skips import clear_skips
from core.models import Checkpoint, SkippedItem
from discord_activity_tracker.protocol_impl import DiscordState

COLLECTOR = "discord"
BOT = "bot"
"""The stream under which the facts about a bot are stored."""
_checkpoints = Checkpoints(COLLECTOR, DiscordState)
load_state = _checkpoints.load
save_state = _checkpoints.save
save_states = _checkpoints.save_many
drop_state = _checkpoints.drop


def guild_key(guild_id: int) -> str:
    """Return the scope under which the states of a whole guild are stored.

    A guild that was created before 2017 has a default channel with the guild's own id. The bare id is therefore the
    scope of that channel.
    """
    return f"guild:{guild_id}"


def load_states(channels: Iterable[int]) -> Mapping[int, Mapping[str, DiscordState]]:
    """Return the saved states by channel and stream. The channels with the oldest states come first."""
    return {int(scope): states for scope, states in _checkpoints.load_many(channels).items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class BotFacts:
    """Stored facts about a bot.

    ``digest`` identifies the bot's token, and ``masked`` is the end of the token. ``problem`` is one line with the
    reason why the bot cannot be used. It is empty if the bot can be used.
    """

    digest: str
    name: str
    masked: str
    problem: str = ""


def store_bot(bot: BotFacts) -> None:
    """Store the facts about a bot."""
    extras = {"masked": bot.masked, "problem": bot.problem}
    save_state(f"bot:{bot.digest}", BOT, DiscordState(human_readable_marker=bot.name, extras=extras))


def recent_bots(since: datetime) -> Mapping[str, BotFacts]:
    """Return the facts about bots that were stored at or after ``since``, by the digest of the token."""
    return _bots(Checkpoint.objects.filter(collector=COLLECTOR, stream=BOT, updated_at__gte=since))


def known_bots(digests: Iterable[str]) -> Mapping[str, BotFacts]:
    """Return the stored bots with these digests, by digest."""
    names = [f"bot:{digest}" for digest in digests]
    return _bots(Checkpoint.objects.filter(collector=COLLECTOR, scope__in=names, stream=BOT))


def _bots(rows: Iterable[Checkpoint]) -> Mapping[str, BotFacts]:
    return {
        digest: BotFacts(
            digest=digest,
            name=row.human_readable_marker,
            masked=str(row.extras.get("masked", "")),
            problem=str(row.extras.get("problem", "")),
        )
        for row in rows
        for digest in [row.scope.partition(":")[2]]
    }


def clear_other_skips(scope: str, stream: str, still_skipped: Collection[str]) -> None:
    """Clear the open skips of a stream, except those of the items in ``still_skipped``."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope=scope, stream=stream, cleared_at=None)
    for external_id in waiting.exclude(external_id__in=list(still_skipped)).values_list("external_id", flat=True):
        clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id)


def open_skips(guild_id: int) -> set[tuple[str, str]]:
    """Return the scope and the stream of each open skip in the channels of a guild."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope__startswith=f"{guild_id}/", cleared_at=None)
    return set(waiting.values_list("scope", "stream"))


def malformed_messages(guild_id: int) -> dict[str, set[int]]:
    """Return the ids of malformed messages with an open skip, by scope."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope__startswith=f"{guild_id}/", stream="messages", reason="malformed", cleared_at=None
    )
    ids: dict[str, set[int]] = {}
    for scope, external_id in waiting.values_list("scope", "external_id"):
        if external_id.isascii() and external_id.isdigit():
            ids.setdefault(scope, set()).add(int(external_id))
    return ids
