"""Collect one guild: list its channels and threads, and then read its messages, pins and reactions."""

import logging
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.errors import AccessDenied, CollectorError
from core.ingest.skips import clear_skips, record_failed_retry, record_skip, skips_to_retry
from core.models import SkippedItem
from core.operations.discord_ops import DiscordRefused
from discord_activity_tracker.collector import passes
from discord_activity_tracker.collector.pins_and_reactions import collect_pins, collect_reactors
from discord_activity_tracker.collector.reader import PageReader
from discord_activity_tracker.collector.run import (
    COLLECTOR,
    REFUSED,
    Container,
    Failure,
    GuildRun,
    Inventory,
    Outcome,
    Step,
    load_containers,
)
from discord_activity_tracker.collector.threads import ThreadLister
from discord_activity_tracker.convert.guilds import (
    GAP_TEXTS,
    Gap,
    Permissions,
    access_by_channel,
    convert_events,
    convert_guild,
    convert_threads,
    usable_channels,
)
from discord_activity_tracker.fetch.guilds import (
    OBJECT_ERRORS,
    GuildFacts,
    read_base_permissions,
    read_channel,
    read_events,
    read_guild,
)
from discord_activity_tracker.payloads import Channel
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import (
    drop_state,
    guild_key,
    load_state,
    load_states,
    malformed_messages,
    open_skips,
    save_state,
)
from discord_activity_tracker.store.guilds import (
    live_channels,
    mark_channels_deleted,
    mark_scopes_complete,
    scopes_without_messages,
    store_events,
    store_guild,
    store_listed_threads,
    thread_ids,
)

LISTED = "look"
"""Name of the stream that saves when a run listed the guild. A run that is not stopped removes this entry."""
RESUME = timedelta(minutes=10)
"""Maximum age of a stored channel list that is used before the guild is listed again.

After an interrupted run, the next run first reads the remaining channels of this list. With a larger value, the list
would more often be out of date. With a smaller value, repeatedly interrupted runs would make less progress.
"""
EVENTS_AGE = timedelta(hours=1)
"""Minimum time between two requests for the scheduled events of a guild.

A smaller value would cost more requests. With a larger value, changed events would be stored later.
"""
logger = logging.getLogger(__name__)


def collect_guild(run: GuildRun, outcome: Outcome) -> None:
    """Collect everything that is due in a guild, and add each step to ``outcome``."""
    for step in _steps(run, outcome):
        outcome.add(step)
    run.session.share_invalid()
    name, messages = outcome.tally.name, outcome.tally.counts["messages"]
    logger.info("guild read guild=%s messages=%s requests=%s", name, messages, run.client.requests)


def _steps(run: GuildRun, outcome: Outcome) -> Iterator[Step]:
    """Yield the steps of a run in order.

    New messages come before edits, pins and reactions, so that a run with a small budget reads new messages first. If
    the previous run was interrupted after it had listed the guild, the remaining channels are read before the guild is
    listed again. Therefore, even runs that are interrupted repeatedly make progress.
    """
    key = guild_key(run.guild_id)
    outcome.open_skips = open_skips(run.guild_id)
    skips = frozenset(outcome.open_skips)
    malformed = {scope: set(ids) for scope, ids in malformed_messages(run.guild_id).items()}
    reader = PageReader(run, threads=thread_ids(run.guild_id), malformed=malformed)
    if load_state(key, LISTED).checkpoint_token > (run.started - RESUME).isoformat():
        known = load_containers(run.guild_id, run.options.channel)
        unfinished = [c for c in known if not c.done and outcome.inventory.is_readable(run, c)]
        yield from _read_new_messages(run, outcome, reader, unfinished)
    facts = run.request(read_guild(run.client, run.guild_id))
    outcome.tally.name = facts.guild.get("name") or outcome.tally.name or str(run.guild_id)
    outcome.begin("threads")
    outcome.inventory = yield from _list_guild(run, facts, skips)
    reader.threads = thread_ids(run.guild_id)
    yield from _read_events(run)
    save_state(key, LISTED, DiscordState(checkpoint_token=run.started.isoformat()))
    containers = _readable(run, outcome.inventory)
    yield from _read_new_messages(run, outcome, reader, containers)
    if not outcome.is_stopped and reader.new_threads:
        known_ids = {container.location.channel_id for container in containers}
        if started := [c for c in _readable(run, outcome.inventory) if c.location.channel_id not in known_ids]:
            yield from _read_new_messages(run, outcome, reader, started)
            containers += started
    if not outcome.is_stopped:
        yield from _read_again(run, outcome, reader, containers, skips)
    if not outcome.is_stopped and not outcome.tally.failures:
        silent = set[int]() if run.options.channel else scopes_without_messages(run.guild_id)
        complete = {container.location.scope_id for container in containers} - outcome.refused
        mark_scopes_complete(silent | complete, datetime.now(UTC))
    if not outcome.is_stopped:
        drop_state(key, LISTED)


def _read_new_messages(
    run: GuildRun, outcome: Outcome, reader: PageReader, containers: Iterable[Container]
) -> Iterator[Step]:
    jobs = passes.new_message_jobs(run, containers)
    outcome.begin("messages")
    yield Step(counts={"containers": len(jobs)})
    yield from reader.read(jobs, "messages")


def _read_again(
    run: GuildRun, outcome: Outcome, reader: PageReader, containers: Sequence[Container],
    skips: Collection[tuple[str, str]],
) -> Iterator[Step]:  # fmt: skip
    """Retry unreadable messages, find edits and deletions, and then read pins and reactions."""
    yield from reader.retry_unreadable(containers, skips)
    if not (run.options.full or run.options.sweep):
        outcome.begin("edits and deletions")
        yield from reader.read(passes.rescan_jobs(run, containers), "rescan")
    if sweep := passes.plan_sweep(run, containers):
        outcome.begin("sweep")
        yield from reader.read(sweep.jobs, "sweep", sweep.allowance)
        if not outcome.is_stopped and not outcome.tally.failures and sweep.is_complete:
            passes.finish_sweep(run)
    yield from collect_pins(run, containers, skips)
    if run.options.reactors:
        outcome.begin("reactions")
        yield from collect_reactors(run, containers, lambda: outcome.is_stopped)


def _readable(run: GuildRun, inventory: Inventory) -> list[Container]:
    """Return the channels and threads that this run may request."""
    containers = load_containers(run.guild_id, run.options.channel)
    return [container for container in containers if inventory.is_readable(run, container)]


def _list_guild(
    run: GuildRun, facts: GuildFacts, skips: Collection[tuple[str, str]]
) -> Generator[Step, None, Inventory]:
    """Store the guild with its channels and threads. Return the bot's permissions and the unreadable channels."""
    channels, malformed = usable_channels(facts.channels)
    active, malformed_threads = usable_channels(facts.threads or ())
    permissions = _permissions(run, facts)
    access = dict(access_by_channel(permissions, channels))
    inventory = Inventory(permissions={int(channel["id"]): permissions.of(channel) for channel in channels})
    gaps = permissions.gaps(channels)
    yield Step(notes=[gap.line for gap in gaps if run.options.channel in {None, gap.channel_id}])
    refused = _recent_refusals(run, inventory, channels, access)
    yield Step(notes=[gap.line for gap in refused])
    access |= {gap.channel_id: gap.reason for gap in refused}
    missing = {gap.channel_id: gap.words for gap in [*gaps, *refused]}
    rows = convert_guild(facts.guild, [*channels, *active], access, missing)
    rows.channels.malformed.extend([*malformed, *malformed_threads])
    yield Step(counts={"parts_malformed": store_guild(rows, run.started)})
    stored = live_channels(run.guild_id).filter(is_thread=True).exclude(parent_id=None)
    parents = {pk: parent for pk, parent in stored.values_list("pk", "parent_id") if parent}
    inventory = replace(inventory, parents=parents)
    listed = {*(int(channel["id"]) for channel in channels), *rows.channels.set_aside}
    unreadable = yield from _read_unlisted_channels(run, inventory, listed)
    if facts.threads_error is not None:
        yield Step(failure=Failure(scope=str(run.guild_id), stream="active_threads", error=facts.threads_error))
    else:
        clear_skips(collector=COLLECTOR, scope=str(run.guild_id), stream="active_threads")
    threads = ThreadLister(run, replace(inventory, unreadable=unreadable), permissions, channels, access)
    active_ids = None if facts.threads is None else {*(int(t["id"]) for t in active), *rows.channels.set_aside}
    yield from threads.collect(active_ids)
    for thread_id, parent_access in threads.unlisted():
        if not (yield from read_unlisted(run, inventory, thread_id, parent_access)):
            unreadable |= {thread_id}
    retry_malformed_threads(run, skips, access)
    return replace(inventory, unreadable=unreadable)


def _permissions(run: GuildRun, facts: GuildFacts) -> Permissions:
    """Return the bot's permissions. If roles or membership are incomplete, also request the base permissions."""
    permissions = Permissions(facts.guild, facts.member, facts.user_id)
    if permissions.certain:
        return permissions
    base = run.request(read_base_permissions(run.client, run.guild_id))
    return Permissions(facts.guild, facts.member, facts.user_id, base)


def _recent_refusals(
    run: GuildRun, inventory: Inventory, channels: Iterable[Channel], access: Mapping[int, str]
) -> list[Gap]:
    """Return a gap for each channel that Discord recently refused although the computed permissions allow access.

    The computed permissions can be too broad if Discord did not send all parts of the guild.
    """
    names = {int(channel["id"]): channel.get("name") or channel["id"] for channel in channels}
    gaps: list[Gap] = []
    for channel_id, states in load_states(names).items():
        refusal = states.get(REFUSED)
        reason = str(refusal.extras.get("reason", "")) if refusal else ""
        if not refusal or access[channel_id] != "ok" or reason not in GAP_TEXTS:
            continue
        if inventory.is_waiting(run, channel_id, refusal):
            gaps.append(Gap(channel_id=channel_id, name=str(names[channel_id]), reason=reason))
    return gaps


def _read_unlisted_channels(
    run: GuildRun, inventory: Inventory, listed: Iterable[int]
) -> Generator[Step, None, frozenset[int]]:
    """Request each stored channel that the guild no longer lists.

    Return the ids of channels that Discord neither returns nor reports as deleted.
    """
    stored = live_channels(run.guild_id).filter(is_thread=False).values_list("pk", flat=True)
    unreadable = set[int]()
    for channel_id in set(stored) - set(listed):
        if not (yield from read_unlisted(run, inventory, channel_id, "no_view")):
            unreadable.add(channel_id)
    return frozenset(unreadable)


def read_unlisted(run: GuildRun, inventory: Inventory, channel_id: int, access: str) -> Generator[Step, None, bool]:
    """Request a channel or thread that is in no list. Store it, or mark it as deleted.

    Returns ``True`` if Discord returned the channel or reported it as deleted. Otherwise, the stored channel stays
    unchanged.
    """
    refusal = load_state(channel_id, REFUSED)
    if inventory.is_waiting(run, channel_id, refusal):
        return False
    scope = run.scope(channel_id)
    try:
        channel = run.request(read_channel(run.client, channel_id))
    except AccessDenied as error:
        inventory.save_refusal(run, channel_id, refusal, error)
        return False
    except OBJECT_ERRORS as error:
        inventory.save_refusal(run, channel_id, refusal, error)
        record_skip(
            collector=COLLECTOR, scope=scope, stream="channel", external_id=str(channel_id), reason="vanished",
            detail=str(error),
        )  # fmt: skip
        note = f"channel or thread {channel_id} is in no list any more, and its deletion is not certain: {error}"
        yield Step(counts={"channels_unreadable": 1}, notes=[note])
        return False
    if channel is None:
        deleted = mark_channels_deleted([channel_id], run.started)
        yield Step(counts={"channels_deleted": 1, "messages_deleted": deleted})
    else:
        rows = convert_threads([channel], run.guild_id, access)
        store_listed_threads(rows, run.scope(inventory.parents.get(channel_id, channel_id)), run.started)
        yield Step(counts={"threads_malformed": len(rows.malformed)})
    if refusal.extras:
        drop_state(channel_id, REFUSED)
    yield Step(complete=[(scope, "channel")])
    return True


def retry_malformed_threads(run: GuildRun, skips: Iterable[tuple[str, str]], access: Mapping[int, str]) -> None:
    """Request the archived threads that earlier runs could not convert.

    The lists of a later run may not contain these threads again, so each thread is requested by its id.
    """
    for scope, stream in [pair for pair in skips if pair[1] == "threads"]:
        parent = int(scope.rpartition("/")[2])
        items = skips_to_retry(collector=COLLECTOR, scope=scope, streams=[stream], reasons=["malformed"], at_once=5)
        for item in items:
            if item.external_id.isdigit() and _retry_thread(run, item, access.get(parent, "no_view")):
                clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=item.external_id)


def _retry_thread(run: GuildRun, item: SkippedItem, access: str) -> bool:
    """Request one thread and store it. Return whether the thread is now stored or was deleted."""
    try:
        thread = run.request(read_channel(run.client, int(item.external_id)))
    except (DiscordRefused, *OBJECT_ERRORS):
        record_failed_retry(item)
        return False
    if thread is None:
        return True
    rows = convert_threads([thread], run.guild_id, access)
    store_listed_threads(rows, item.scope, run.started)
    return not rows.malformed


def _read_events(run: GuildRun) -> Iterator[Step]:
    """Read and store the scheduled events of a guild, at most once in ``EVENTS_AGE`` except in a full run."""
    read_at = load_state(guild_key(run.guild_id), "events").checkpoint_token
    if read_at and not run.options.full and run.started - datetime.fromisoformat(read_at) < EVENTS_AGE:
        return
    try:
        events = run.request(read_events(run.client, run.guild_id))
    except CollectorError as error:
        yield Step(failure=Failure(scope=str(run.guild_id), stream="events", error=error))
        return
    rows = convert_events(events, run.guild_id)
    yield Step(counts={"events_malformed": store_events(rows, run.guild_id, run.started)})
