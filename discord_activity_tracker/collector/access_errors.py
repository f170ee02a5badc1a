"""What becomes of a channel or thread that Discord does not show, and when it is asked for again.

Refusals count towards a ban of the address, so each one is remembered, and asked for again after one day, then two,
four, and seven days, or as soon as the bot's permissions there are others.
"""

from datetime import datetime, timedelta

from core.errors import AccessDenied, CollectorError
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector.containers import Container
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.protocol_impl import DiscordState

REST_DAYS = (1, 2, 4, 7)
"""Days before what was refused is asked for again, by the number of refusals in a row."""
REFUSED = "refused"
"""The stream of a channel's or thread's last refusal."""


def take(run: Run, container: Container, stream: str, error: CollectorError) -> None:
    """Bury what is gone, remember what is refused, and keep every other reason."""
    place = container.place
    if isinstance(error, fetch.NotThere) and error.code == fetch.NotThere.UNKNOWN_CHANNEL:
        run.counts["channels_deleted"] += 1
        run.counts["deleted"] += store.bury_channels([place.channel_id], run.started)
    elif isinstance(error, fetch.DiscordRefused) and error.code in {
        fetch.DiscordRefused.MISSING_ACCESS,
        fetch.DiscordRefused.MISSING_PERMISSIONS,
    }:
        reason = "no_view" if error.code == fetch.DiscordRefused.MISSING_ACCESS else "no_history"
        gap = convert.Gap(channel_id=place.channel_id, name=container.name, reason=reason)
        run.notes.append(gap.line)
        run.refused.add(place.scope_id)
        remember(run, place.channel_id, container.state(REFUSED), error, access=reason, gap=gap.words)
    else:
        run.note_failure(f"{place.guild_id}/{place.channel_id}", stream, error)


def ask_for_one(run: Run, channel_id: int, access: str) -> None:
    """Keep a channel or thread as it is now, or bury it. What the bot may not see, or Discord cannot tell, stays."""
    known = store.load_state(channel_id, REFUSED)
    if rests(run, channel_id, known):
        run.unreadable.add(channel_id)
        return
    try:
        found = run.session.run(fetch.read_channel(run.client, channel_id))
    except AccessDenied as error:
        run.unreadable.add(channel_id)
        remember(run, channel_id, known, error)
        return
    except fetch.ODD_ANSWERS as error:
        remember(run, channel_id, known, error)
        run.note_unreadable(channel_id, "vanished", error)
        run.notes.append(f"{channel_id} is in no list any more, and Discord does not say what became of it: {error}")
        return
    if found is None:
        run.counts["channels_deleted"] += 1
        run.counts["deleted"] += store.bury_channels([channel_id], run.started)
    else:
        scope = f"{run.guild_id}/{run.parents.get(channel_id, channel_id)}"
        rows = convert.convert_threads([found], run.guild_id, access)
        run.counts["threads_malformed"] += len(rows.malformed)
        store.store_listed_threads(rows, scope, run.started)
    if known.extras:
        store.drop_state(channel_id, REFUSED)
    run.note_success(f"{run.guild_id}/{channel_id}", "channel")


def remember(
    run: Run, channel_id: int, known: DiscordState, error: CollectorError, *, access: str = "", gap: str = ""
) -> None:
    """Remember that Discord does not show a channel or thread."""
    extras = refusal(run, channel_id, known, error) | ({"reason": access} if access else {})
    store.remember_refusal(channel_id, access, gap, DiscordState(human_readable_marker=str(error)[:200], extras=extras))


def refusal(run: Run, channel_id: int, known: DiscordState, error: CollectorError) -> dict[str, object]:
    """What is remembered of a refusal: when, how many in a row, and the bot's permissions at that time."""
    times = known.extras.get("times", 0)
    return {
        "at": run.started.isoformat(), "reason": type(error).__name__, "permissions": _permissions(run, channel_id),
        "times": times + 1 if isinstance(times, int) else 1,
    }  # fmt: skip


def is_refused(run: Run, container: Container) -> bool:
    """Whether Discord refused a container, and it is too early to ask for it again."""
    return container.place.channel_id in run.unreadable or rests(
        run, container.place.channel_id, container.state(REFUSED)
    )


def rests(run: Run, channel_id: int, known: DiscordState) -> bool:
    """Whether a refusal is to be respected for now."""
    at, times = str(known.extras.get("at", "")), known.extras.get("times", 1)
    if not at or run.options.full:
        return False
    days = REST_DAYS[min(max(times if isinstance(times, int) else 1, 1), len(REST_DAYS)) - 1]
    before = str(known.extras.get("permissions", ""))
    changed = bool(before and (now := _permissions(run, channel_id)) and now != before)
    return not changed and run.started < datetime.fromisoformat(at) + timedelta(days=days)


def _permissions(run: Run, channel_id: int) -> str:
    """The bot's permissions in a channel, for a thread those of its channel; empty where they are not known."""
    bits = run.bits.get(channel_id, run.bits.get(run.parents.get(channel_id, 0)))
    return "" if bits is None else str(bits)
