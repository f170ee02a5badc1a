"""One guild: which rooms are read, in which order."""

import logging
from datetime import UTC, datetime

from discord_activity_tracker import store
from discord_activity_tracker.collector import again, look, marks, news, refusals
from discord_activity_tracker.collector.containers import containers
from discord_activity_tracker.collector.run import Run

logger = logging.getLogger(__name__)


def collect_guild(run: Run) -> None:
    """Read what must be read; ``run`` says what came of it.

    What is new comes first, so that a run that may only spend little spends it there.
    """
    look.look(run)
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
        store.complete_scopes({container.place.scope_id for container in found}, datetime.now(UTC))
    logger.info("guild read guild=%s messages=%s requests=%s", run.name, run.counts["messages"], run.client.requests)
