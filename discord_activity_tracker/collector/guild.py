"""One guild: which rooms are read, in which order."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from discord_activity_tracker import store
from discord_activity_tracker.collector import (
    access_errors,
    inventory,
    new_messages,
    pins_and_reactions,
    rescan_and_sweep,
)
from discord_activity_tracker.collector.containers import Container, containers
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.protocol_impl import DiscordState

LOOK = "look"
SOON = timedelta(minutes=10)
logger = logging.getLogger(__name__)


def collect_guild(run: Run) -> None:
    """Read what must be read; ``run`` says what came of it.

    What is new comes first, so that a run that may only spend little spends it there. Where the last run was cut off
    after its look, what that look found is read on before the next one: a run that is cut off again and again ends.
    """
    key = store.guild_key(run.guild_id)
    run.open_skips, run.threads = store.open_skips(run.guild_id), store.thread_ids(run.guild_id)
    run.malformed = store.malformed_messages(run.guild_id)
    if store.load_state(key, LOOK).checkpoint_token > (run.started - SOON).isoformat():
        known = containers(run.guild_id, run.options.channel)
        new_messages.read_news(run, [c for c in known if not c.done and not access_errors.is_refused(run, c)])
    inventory.look(run)
    store.save_state(key, LOOK, DiscordState(checkpoint_token=run.started.isoformat()))
    found = _readable(run)
    new_messages.read_news(run, found)
    if run.stopped is None and (begun := _begun_meanwhile(run, found)):
        new_messages.read_news(run, begun)
        found += begun
    if run.stopped is None:
        new_messages.retry_unreadable(run, found)
        if not (run.options.full or run.options.sweep):
            rescan_and_sweep.rescan(run, found)
        rescan_and_sweep.sweep(run, found)
        pins_and_reactions.read_pins(run, found)
        if run.options.reactors:
            pins_and_reactions.read_reactors(run, found)
    if run.stopped is None and not run.failed:
        silent = set[int]() if run.options.channel else store.silent_scopes(run.guild_id)
        read = {container.place.scope_id for container in found} - run.refused
        store.complete_scopes(silent | read, datetime.now(UTC))
    if run.stopped is None:
        store.drop_state(key, LOOK)
    run.session.share_invalid()
    logger.info("guild read guild=%s messages=%s requests=%s", run.name, run.counts["messages"], run.client.requests)


def _readable(run: Run) -> list[Container]:
    """The containers that Discord is asked for in this run."""
    return [
        container
        for container in containers(run.guild_id, run.options.channel)
        if not access_errors.is_refused(run, container) and container.parent_id not in run.unreadable
    ]


def _begun_meanwhile(run: Run, found: Sequence[Container]) -> list[Container]:
    """Threads that were unknown until the messages that began them were read."""
    if not run.threads_from_messages:
        return []
    known = {container.place.channel_id for container in found}
    return [container for container in _readable(run) if container.place.channel_id not in known]
