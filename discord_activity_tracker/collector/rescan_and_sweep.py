"""Reading again what was read before, because edits and deletions leave no other trace.

The re-scan reads the last days in every run. The deep sweep goes through everything in turn: a portion a day, or all of
it when asked. Each saves its own position with each page.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

from django.conf import settings

from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector.containers import DAY, Container
from discord_activity_tracker.collector.reader import Job, States, read
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.protocol_impl import DiscordState

PORTION = 200
"""Requests of a day's portion at least; more where a whole sweep would take longer than ``ROTATION`` days."""
ROTATION = 30


def rescan(run: Run, found: list[Container]) -> None:
    """Read again what is younger than DISCORD_RESCAN_DAYS and was there before this run."""
    window = max(0, convert.first_at(run.started - timedelta(days=settings.DISCORD_RESCAN_DAYS)) - 1)
    run.progress.expect(run.name, "edits and deletions", None)
    read(run, (_rescan_job(run, c, window) for c in found if c.done and c.cursor > window), "rescan")


def _rescan_job(run: Run, container: Container, window: int) -> Job:
    state = container.state("rescan")
    begun = str(state.extras.get("round", ""))
    going_on = begun > (run.started - DAY).isoformat()
    after = max(window, int(state.checkpoint_token or 0)) if going_on else window
    begun = begun if going_on else run.started.isoformat()

    def positions(page: fetch.MessagePage, end: bool) -> States:
        if end:
            return {"rescan": None}
        return {"rescan": DiscordState(checkpoint_token=str(page.newest), extras={"round": begun})}

    return Job(container=container, after=after, upto=container.cursor, states=positions, seeks_deletions=True)


def sweep(run: Run, found: list[Container]) -> None:
    """Read again everything that this round has not come to, or a day's portion of it; nothing when none is due."""
    whole = run.options.full or run.options.sweep
    begun = _round(run, whole=whole)
    if begun is None:
        return
    left = [c for c in found if c.done and c.cursor and c.swept < begun]
    left.sort(key=lambda container: container.swept)
    allowance = fetch.Allowance(left=None if whole else max(PORTION, _daily(run, found)))
    run.progress.expect(run.name, "sweep", None)
    read(run, _sweep_jobs(run, left, begun), "sweep", allowance)
    if run.stopped is None and not run.failed and (allowance.left is None or allowance.left >= 0):
        _save(run, begun="", whole=False)


def _round(run: Run, *, whole: bool) -> str | None:
    """When the round began that is to be gone on with; ``None`` when no portion is due.

    A round that a ``--sweep`` began is gone on with for a day, so that one which is killed again and again ends.
    """
    if run.options.channel:
        return run.started.isoformat() if whole else None
    state, yesterday = store.load_state(store.guild_key(run.guild_id), "sweep"), (run.started - DAY).isoformat()
    begun, last = state.checkpoint_token, str(state.extras.get("portion_at", ""))
    if not whole and last > yesterday:
        return None
    if not begun or (whole and not (state.extras.get("whole") and begun > yesterday)):
        begun = run.started.isoformat()
    _save(run, begun=begun, whole=whole)
    return begun if last or whole else None  # a first run has read everything just now


def _save(run: Run, *, begun: str, whole: bool) -> None:
    if not run.options.channel:
        extras = {"portion_at": run.started.isoformat(), "whole": whole}
        store.save_state(store.guild_key(run.guild_id), "sweep", DiscordState(checkpoint_token=begun, extras=extras))


def _daily(run: Run, found: list[Container]) -> int:
    """Requests a day so that everything is read again within ``ROTATION`` days."""
    return (store.count_messages(run.guild_id) // fetch.PAGE + len(found)) // ROTATION


def _sweep_jobs(run: Run, left: list[Container], begun: str) -> Iterator[Job]:
    for container in left:
        state = container.state("sweep")
        going_on = state.extras.get("round") == begun
        after = int(state.checkpoint_token or 0) if going_on else 0
        earlier = cast("str", state.extras.get("done", ""))

        def positions(page: fetch.MessagePage, end: bool, earlier: str = earlier) -> States:
            extras = {"round": begun, "done": run.started.isoformat() if end else earlier}
            return {"sweep": DiscordState(checkpoint_token="" if end else str(page.newest), extras=extras)}

        yield Job(container=container, after=after, upto=container.cursor, states=positions, seeks_deletions=True)
