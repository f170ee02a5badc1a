"""How far each channel and list has been read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.utils import timezone

from core.db.upsert import upsert
from core.models import Checkpoint
from discord_activity_tracker.protocol_impl import DiscordState

COLLECTOR = "discord"


def guild_key(guild_id: int) -> str:
    """Return the scope of what is remembered of a whole guild.

    Guilds made before 2017 have a default channel with the guild's own id, so the bare id is the channel's.
    """
    return f"guild:{guild_id}"


def all_states(scopes: Iterable[int]) -> Mapping[int, Mapping[str, DiscordState]]:
    """States by channel and stream, the stalest first."""
    found: dict[int, dict[str, DiscordState]] = defaultdict(dict)
    names = [str(scope) for scope in scopes]
    for kept in Checkpoint.objects.filter(collector=COLLECTOR, scope__in=names).order_by("updated_at"):
        found[int(kept.scope)][kept.stream] = _state(kept)
    return found


def load_state(scope: int | str, stream: str) -> DiscordState:
    """One state; an empty one when there is none."""
    kept = Checkpoint.objects.filter(collector=COLLECTOR, scope=str(scope), stream=stream).first()
    return _state(kept) if kept else DiscordState()


def save_state(scope: int | str, stream: str, state: DiscordState) -> None:
    """Save a state, in the caller's transaction."""
    save_states({(scope, stream): state})


def save_states(states: Mapping[tuple[int | str, str], DiscordState | None]) -> None:
    """Save states by channel and stream, in the caller's transaction and one statement; ``None`` drops one."""
    now = timezone.now()
    rows = [
        {
            "collector": COLLECTOR,
            "scope": str(scope),
            "stream": stream,
            "checkpoint_token": state.checkpoint_token,
            "human_readable_marker": state.human_readable_marker[:200],
            "extras": dict(state.extras),
            "updated_at": now,
        }
        for (scope, stream), state in states.items()
        if state is not None
    ]
    upsert(Checkpoint, rows, key=["collector", "scope", "stream"])
    for (scope, stream), state in states.items():
        if state is None:
            drop_state(scope, stream)


def drop_state(scope: int | str, *streams: str) -> None:
    """Forget states."""
    Checkpoint.objects.filter(collector=COLLECTOR, scope=str(scope), stream__in=streams).delete()


def _state(kept: Checkpoint) -> DiscordState:
    return DiscordState(
        checkpoint_token=kept.checkpoint_token, human_readable_marker=kept.human_readable_marker, extras=kept.extras
    )
