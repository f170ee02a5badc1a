"""One look at a guild: what there is, what the bot may read of it, and what is gone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.errors import CollectorError
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.collector.threads import Threads, ask_for_one
from discord_activity_tracker.payloads import Channel

EVENTS_AGE = timedelta(hours=1)
"""Scheduled events are asked for again when they are older than this."""


def look(run: Run) -> None:
    """Keep the guild with its channels and threads as they are now; 4 requests, and 1 for each list of threads."""
    facts = run.session.run(fetch.read_guild(run.client, run.guild_id))
    run.name = facts.guild["name"]
    permissions = convert.Permissions(facts.guild, facts.member, facts.user_id)
    access = convert.accesses(permissions, facts.channels)
    gaps = permissions.gaps(facts.channels)
    run.notes += [gap.line for gap in gaps if run.options.channel in {None, gap.channel_id}]
    words = {gap.channel_id: gap.words for gap in gaps}
    store.store_guild(convert.convert_guild(facts.guild, [*facts.channels, *facts.threads], access, words), run.started)
    _ask_for_unlisted(run, facts.channels)
    Threads(run, permissions, facts.channels, access).collect(facts.threads)
    _read_events(run)


def _ask_for_unlisted(run: Run, listed: Iterable[Channel]) -> None:
    """Channels that the guild no longer lists: those that Discord does not know either are gone."""
    kept = store.alive(run.guild_id).filter(is_thread=False).values_list("pk", flat=True)
    for pk in set(kept) - {int(channel["id"]) for channel in listed}:
        ask_for_one(run, pk, "no_view")


def _read_events(run: Run) -> None:
    asked = store.load_state(run.guild_id, "events").checkpoint_token
    if asked and not run.options.full and run.started - datetime.fromisoformat(asked) < EVENTS_AGE:
        return
    try:
        events = run.session.run(fetch.read_events(run.client, run.guild_id))
    except CollectorError as error:
        run.note_failure(str(run.guild_id), "events", error)
        return
    store.store_events(convert.convert_events(events, run.guild_id), run.guild_id, run.started)
