"""What becomes of a container that Discord does not show."""

from core.errors import CollectorError
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector.containers import DAY, Container
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.protocol_impl import DiscordState

MISSING_ACCESS = 50001
MISSING_PERMISSIONS = 50013


def take(run: Run, container: Container, stream: str, error: CollectorError) -> None:
    """Bury what is gone, remember what is refused, and keep every other reason."""
    place = container.place
    if isinstance(error, fetch.NotThere) and error.code == fetch.NotThere.UNKNOWN_CHANNEL:
        run.counts["channels_deleted"] += 1
        run.counts["deleted"] += store.bury_channels([place.channel_id], run.started)
    elif isinstance(error, fetch.DiscordRefused) and error.code in {MISSING_ACCESS, MISSING_PERMISSIONS}:
        reason = "no_view" if error.code == MISSING_ACCESS else "no_history"
        gap = convert.Gap(channel_id=place.channel_id, name=container.name, reason=reason)
        run.notes.append(gap.line)
        run.refused.add(place.scope_id)
        state = DiscordState(human_readable_marker=str(error), extras={"at": run.started.isoformat(), "reason": reason})
        store.remember_refusal(place.channel_id, reason, gap.words, state)
    else:
        run.note_failure(f"{place.guild_id}/{place.channel_id}", stream, error)


def is_refused(run: Run, container: Container) -> bool:
    """Whether Discord refused it within the last day: refusals count towards a ban, so they are not asked for often."""
    at = str(container.state("refused").extras.get("at", ""))
    return bool(at) and not run.options.full and (run.started - DAY).isoformat() < at
