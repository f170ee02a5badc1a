"""One look at a guild: what there is, what the bot may read of it, and what is gone."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.errors import CollectorError
from core.ingest.skips import clear_skips, record_failed_retry, skips_to_retry
from core.models import SkippedItem
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector import access_errors
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.collector.threads import Threads
from discord_activity_tracker.payloads import Channel

EVENTS_AGE = timedelta(hours=1)
"""Scheduled events are asked for again when they are older than this."""


def look(run: Run) -> None:
    """Keep the guild with its channels and threads as they are now; 4 requests, and 1 for each list of threads."""
    facts = run.session.run(fetch.read_guild(run.client, run.guild_id))
    run.name = facts.guild.get("name") or run.name or str(run.guild_id)
    channels, malformed = convert.usable_channels(facts.channels)
    active, odd_threads = convert.usable_channels(facts.threads or ())
    permissions = _permissions(run, facts)
    access = dict(convert.accesses(permissions, channels))
    run.bits = {int(channel["id"]): permissions.of(channel) for channel in channels}
    gaps = permissions.gaps(channels)
    run.notes += [gap.line for gap in gaps if run.options.channel in {None, gap.channel_id}]
    words = {gap.channel_id: gap.words for gap in gaps}
    _apply_refusals(run, channels, access, words)
    rows = convert.convert_guild(facts.guild, [*channels, *active], access, words)
    rows.channels.malformed.extend([*malformed, *odd_threads])
    run.counts["parts_malformed"] += store.store_guild(rows, run.started)
    stored = store.alive(run.guild_id).filter(is_thread=True).exclude(parent_id=None)
    run.parents = {pk: parent for pk, parent in stored.values_list("pk", "parent_id") if parent}
    _ask_for_unlisted(run, {*(int(channel["id"]) for channel in channels), *rows.channels.set_aside})
    if facts.threads_error is not None:
        run.note_failure(str(run.guild_id), "active_threads", facts.threads_error)
    else:
        clear_skips(collector=COLLECTOR, scope=str(run.guild_id), stream="active_threads")
    listed = None if facts.threads is None else {*(int(t["id"]) for t in active), *rows.channels.set_aside}
    Threads(run, permissions, channels, access).collect(listed)
    _retry_malformed_threads(run, access)
    run.threads = store.thread_ids(run.guild_id)
    _read_events(run)


def _permissions(run: Run, facts: fetch.GuildFacts) -> convert.Permissions:
    """The bot's permissions; where roles or the membership do not tell them, Discord's own sum of them is the base."""
    found = convert.Permissions(facts.guild, facts.member, facts.user_id)
    if found.certain:
        return found
    base = run.session.run(fetch.base_permissions(run.client, run.guild_id))
    return convert.Permissions(facts.guild, facts.member, facts.user_id, base)


def _apply_refusals(run: Run, channels: Iterable[Channel], access: dict[int, str], words: dict[int, str]) -> None:
    """What Discord refused lately counts more than computed permissions, which parts that are missing make too good."""
    names = {int(channel["id"]): channel.get("name") or channel["id"] for channel in channels}
    for pk, states in store.all_states(names).items():
        known = states.get(access_errors.REFUSED)
        reason = str(known.extras.get("reason", "")) if known else ""
        if known and access[pk] == "ok" and reason in convert.WORDS and access_errors.rests(run, pk, known):
            gap = convert.Gap(channel_id=pk, name=str(names[pk]), reason=reason)
            access[pk], words[pk] = reason, gap.words
            run.notes.append(gap.line)


def _ask_for_unlisted(run: Run, listed: Iterable[int]) -> None:
    """Channels that the guild no longer lists: those that Discord does not know either are gone."""
    kept = store.alive(run.guild_id).filter(is_thread=False).values_list("pk", flat=True)
    for pk in set(kept) - set(listed):
        access_errors.ask_for_one(run, pk, "no_view")


def _retry_malformed_threads(run: Run, access: Mapping[int, str]) -> None:
    """Archived threads that could not be converted, and that their lists need not show again."""
    for scope, stream in [pair for pair in run.open_skips if pair[1] == "threads"]:
        parent = int(scope.rpartition("/")[2])
        items = skips_to_retry(collector=COLLECTOR, scope=scope, streams=[stream], reasons=["malformed"], at_once=5)
        for item in items:
            if item.external_id.isdigit() and _retry_thread(run, item, access.get(parent, "no_view")):
                clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=item.external_id)


def _retry_thread(run: Run, item: SkippedItem, access: str) -> bool:
    """Ask for one thread and store it; return whether it is stored now, or gone."""
    try:
        found = run.session.run(fetch.read_channel(run.client, int(item.external_id)))
    except (fetch.DiscordRefused, *fetch.ODD_ANSWERS):
        record_failed_retry(item)
        return False
    if found is None:
        return True
    rows = convert.convert_threads([found], run.guild_id, access)
    store.store_listed_threads(rows, item.scope, run.started)
    return not rows.malformed


def _read_events(run: Run) -> None:
    asked = store.load_state(store.guild_key(run.guild_id), "events").checkpoint_token
    if asked and not run.options.full and run.started - datetime.fromisoformat(asked) < EVENTS_AGE:
        return
    try:
        events = run.session.run(fetch.read_events(run.client, run.guild_id))
    except CollectorError as error:
        run.note_failure(str(run.guild_id), "events", error)
        return
    rows = convert.convert_events(events, run.guild_id)
    run.counts["events_malformed"] += store.store_events(rows, run.guild_id, run.started)
