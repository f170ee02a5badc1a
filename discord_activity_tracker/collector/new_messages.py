"""Messages that are new, container by container, the oldest first."""

from collections.abc import Iterator

from core.ingest.skips import skips_to_retry
from discord_activity_tracker import convert, fetch
from discord_activity_tracker.collector.containers import Container
from discord_activity_tracker.collector.reader import UNREADABLE, Job, States, read, retry_message
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.protocol_impl import DiscordState

RETRIES = 5
"""Messages of one channel that are asked for again in one run."""


def read_news(run: Run, found: list[Container]) -> None:
    """Read every container that may have news to its end; the others cost nothing."""
    wanted = [container for container in found if run.options.full or container.has_news(run.started)]
    run.counts["containers"] += len(wanted)
    run.progress.expect(run.name, "messages", None)
    read(run, _jobs(run, wanted), "messages")


def _jobs(run: Run, wanted: list[Container]) -> Iterator[Job]:
    since = run.options.since
    first = max(0, convert.first_at(since) - 1) if since else 0
    for container in wanted:
        fresh = not container.state("messages").checkpoint_token
        began = run.started.isoformat() if fresh else container.began
        yield Job(
            container=container,
            after=first if fresh else container.cursor,
            newest_known=container.last_message_id if container.last_message_id > container.seen else 0,
            states=_Positions(run, container, began),
        )


def retry_unreadable(run: Run, found: list[Container]) -> None:
    """Ask again for single messages that Discord did not give out, some of each channel in each run."""
    by_scope = {f"{c.place.guild_id}/{c.place.channel_id}": c for c in found}
    for scope, stream in [pair for pair in run.open_skips if pair[1] == UNREADABLE and pair[0] in by_scope]:
        container = by_scope[scope]
        items = skips_to_retry(
            collector=COLLECTOR, scope=scope, streams=[stream], reasons=[UNREADABLE], at_once=RETRIES
        )
        for item in items:
            if run.stopped is None and item.external_id.isdigit():
                retry_message(run, container, item)


class _Positions:
    """The state of ``messages``: the cursor, and at the end of a container what there was to see."""

    def __init__(self, run: Run, container: Container, began: str) -> None:
        self._run, self._container, self._began = run, container, began

    def __call__(self, page: fetch.MessagePage, end: bool) -> States:
        extras: dict[str, object] = {"began": self._began}
        if end:
            seen = max(page.newest, self._container.last_message_id)
            extras |= {"seen": seen, "done": self._run.started.isoformat()}
        elif self._container.done:
            extras |= {"seen": self._container.seen, "done": self._container.done}
        marker = f"up to {convert.moment_of(page.newest):%Y-%m-%d %H:%M}" if page.newest else "nothing yet"
        state = DiscordState(checkpoint_token=str(page.newest), human_readable_marker=marker, extras=extras)
        return {"messages": state, "refused": None} if "refused" in self._container.states else {"messages": state}
