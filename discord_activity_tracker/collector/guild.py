"""One guild: which rooms are read, in which order."""

import logging
from datetime import UTC, datetime, timedelta

from discord_activity_tracker import store
from discord_activity_tracker.collector import again, look, marks, news, refusals
from discord_activity_tracker.collector.containers import containers
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
    if store.load_state(run.guild_id, LOOK).checkpoint_token > (run.started - SOON).isoformat():
        known = containers(run.guild_id, run.options.channel)
        news.read_news(run, [c for c in known if not c.done and not refusals.is_refused(run, c)])
    look.look(run)
    store.save_state(run.guild_id, LOOK, DiscordState(checkpoint_token=run.started.isoformat()))
    found = [c for c in containers(run.guild_id, run.options.channel) if not refusals.is_refused(run, c)]
    news.read_news(run, found)
    if run.stopped is None:
        if not (run.options.full or run.options.sweep):
            again.rescan(run, found)
        again.sweep(run, found)
        marks.read_pins(run, found)
        if run.options.reactors:
            marks.read_reactors(run, found)
    if run.stopped is None and not run.failed:
        silent = set[int]() if run.options.channel else store.silent_scopes(run.guild_id)
        read = {container.place.scope_id for container in found} - run.refused
        store.complete_scopes(silent | read, datetime.now(UTC))
    if run.stopped is None:
        store.drop_state(run.guild_id, LOOK)
    logger.info("guild read guild=%s messages=%s requests=%s", run.name, run.counts["messages"], run.client.requests)
