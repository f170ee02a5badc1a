"""The positions of Discord's channels and lists."""

from collections.abc import Iterable, Mapping

from core.ingest.checkpoints import Checkpoints
from discord_activity_tracker.protocol_impl import DiscordState

COLLECTOR = "discord"
_checkpoints = Checkpoints(COLLECTOR, DiscordState)
load_state = _checkpoints.load
save_state = _checkpoints.save
save_states = _checkpoints.save_many
drop_state = _checkpoints.drop


def guild_key(guild_id: int) -> str:
    """Return the scope of the states of a whole guild.

    Guilds created before 2017 have a default channel with the guild's own id, so the bare id is the channel's scope.
    """
    return f"guild:{guild_id}"


def all_states(channels: Iterable[int]) -> Mapping[int, Mapping[str, DiscordState]]:
    """Return the states by channel and stream, the least recently saved first."""
    return {int(scope): states for scope, states in _checkpoints.load_many(channels).items()}
