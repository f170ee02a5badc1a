"""The three passes over the messages of a guild: new messages, the rescan of recent days, and the sweep.

Requests for new messages do not show edits and deletions of older messages, so older messages are read again. Each run
rescans the last ``DISCORD_RESCAN_DAYS`` days. The sweep reads all messages in rotation, one portion per day, or all
messages at once on request. Each pass saves its own position with each page.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.conf import settings

from discord_activity_tracker.collector.reader import Job, States
from discord_activity_tracker.collector.run import DAY, Container, GuildRun
from discord_activity_tracker.convert.messages import first_snowflake, snowflake_time
from discord_activity_tracker.fetch.messages import PAGE, Allowance, RawMessagePage
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import guild_key, load_state, save_state
from discord_activity_tracker.store.guilds import count_messages

PORTION = 200
"""Minimum number of requests in a daily portion of the sweep.

Large guilds get larger portions, so that the sweep finishes within ``ROTATION`` days. A larger value would find old
edits in small guilds earlier, but would cost more requests.
"""
ROTATION = 30
"""Maximum number of days until the sweep has read every message again.

With fewer days, old edits would be found earlier, but each day would cost more requests.
"""


def new_message_jobs(run: GuildRun, containers: Iterable[Container]) -> list[Job]:
    """Return a job for each channel or thread that may have new messages. The others cost no requests."""
    return [
        _new_messages_job(run, container)
        for container in containers
        if run.options.full or container.has_new_messages(run.started)
    ]


def _new_messages_job(run: GuildRun, container: Container) -> Job:
    """Return a job that reads the messages after the cursor.

    With the last page, the job saves the highest known message id and the time of this run.
    """
    since = run.options.since
    is_first = not container.state("messages").checkpoint_token
    began = run.started.isoformat() if is_first else container.began

    def states(page: RawMessagePage, is_last: bool) -> States:
        extras: dict[str, object] = {"began": began}
        if is_last:
            extras |= {"seen": max(page.newest, container.last_message_id), "done": run.started.isoformat()}
        elif container.done:
            extras |= {"seen": container.seen, "done": container.done}
        marker = f"up to {snowflake_time(page.newest):%Y-%m-%d %H:%M}" if page.newest else "nothing yet"
        state = DiscordState(checkpoint_token=str(page.newest), human_readable_marker=marker, extras=extras)
        return {"messages": state, "refused": None} if "refused" in container.states else {"messages": state}

    first = max(0, first_snowflake(since) - 1) if since else 0
    return Job(
        container=container,
        after=first if is_first else container.cursor,
        newest_known=container.last_message_id if container.last_message_id > container.seen else 0,
        states=states,
    )


def rescan_jobs(run: GuildRun, containers: Iterable[Container]) -> Iterator[Job]:
    """Yield a job for each channel or thread with messages from the last DISCORD_RESCAN_DAYS days.

    The job reads these messages again.
    """
    window = max(0, first_snowflake(run.started - timedelta(days=settings.DISCORD_RESCAN_DAYS)) - 1)
    for container in containers:
        if container.done and container.cursor > window:
            yield _rescan_job(run, container, window)


def _rescan_job(run: GuildRun, container: Container, window: int) -> Job:
    """Return a job that reads the messages above the id ``window`` again.

    If a rescan began less than a day ago and is incomplete, the job resumes it.
    """
    state = container.state("rescan")
    began = str(state.extras.get("round", ""))
    resumes = began > (run.started - DAY).isoformat()
    after = max(window, int(state.checkpoint_token or 0)) if resumes else window
    began = began if resumes else run.started.isoformat()

    def states(page: RawMessagePage, is_last: bool) -> States:
        if is_last:
            return {"rescan": None}
        return {"rescan": DiscordState(checkpoint_token=str(page.newest), extras={"round": began})}

    return Job(container=container, after=after, upto=container.cursor, states=states, detects_deletions=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A portion of a sweep, or a whole sweep, that is due in this run."""

    jobs: Iterator[Job]
    allowance: Allowance

    @property
    def is_complete(self) -> bool:
        """Whether the allowance was sufficient for all jobs. Check this only after all jobs have been read."""
        return self.allowance.left is None or self.allowance.left >= 0


def plan_sweep(run: GuildRun, containers: Sequence[Container]) -> Sweep | None:
    """Return the part of the sweep that is due in this run, or ``None``. Save that this part has begun."""
    whole = run.options.full or run.options.sweep
    began = _begin_round(run, whole=whole)
    if began is None:
        return None
    remaining = [c for c in containers if c.done and c.cursor and c.swept < began]
    remaining.sort(key=lambda container: container.swept)
    pages = None if whole else max(PORTION, _requests_a_day(run, containers))
    return Sweep(jobs=_sweep_jobs(run, remaining, began), allowance=Allowance(left=pages))


def finish_sweep(run: GuildRun) -> None:
    """Save that a round of the sweep is complete."""
    _save_round(run, began="", whole=False)


def _begin_round(run: GuildRun, *, whole: bool) -> str | None:
    """Start or resume a round of the sweep. Return the time at which it began, or ``None`` if no portion is due.

    In a round, every message is read once. If a round of ``--sweep`` is interrupted, it can be resumed for a day.
    Therefore, even runs that are interrupted repeatedly finish the round.
    """
    if run.options.channel:
        return run.started.isoformat() if whole else None
    state, yesterday = load_state(guild_key(run.guild_id), "sweep"), (run.started - DAY).isoformat()
    began, last = state.checkpoint_token, str(state.extras.get("portion_at", ""))
    if not whole and last > yesterday:
        return None
    if not began or (whole and not (state.extras.get("whole") and began > yesterday)):
        began = run.started.isoformat()
    _save_round(run, began=began, whole=whole)
    return began if last or whole else None  # a first run has just read all messages


def _save_round(run: GuildRun, *, began: str, whole: bool) -> None:
    if not run.options.channel:
        extras = {"portion_at": run.started.isoformat(), "whole": whole}
        save_state(guild_key(run.guild_id), "sweep", DiscordState(checkpoint_token=began, extras=extras))


def _requests_a_day(run: GuildRun, containers: Sequence[Container]) -> int:
    """Return the number of requests per day that is needed to read every message again within ``ROTATION`` days."""
    return (count_messages(run.guild_id) // PAGE + len(containers)) // ROTATION


def _sweep_jobs(run: GuildRun, containers: Iterable[Container], began: str) -> Iterator[Job]:
    for container in containers:
        state = container.state("sweep")
        after = int(state.checkpoint_token or 0) if state.extras.get("round") == began else 0
        previous = cast("str", state.extras.get("done", ""))

        def states(page: RawMessagePage, is_last: bool, previous: str = previous) -> States:
            extras = {"round": began, "done": run.started.isoformat() if is_last else previous}
            return {"sweep": DiscordState(checkpoint_token="" if is_last else str(page.newest), extras=extras)}

        yield Job(container=container, after=after, upto=container.cursor, states=states, detects_deletions=True)
