"""Reading containers side by side, and storing their pages one by one."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core.errors import CollectorError, ConfigurationError, UnexpectedAnswer
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector import refusals
from discord_activity_tracker.collector.containers import Container
from discord_activity_tracker.collector.run import Run
from discord_activity_tracker.fetch.session import NO_CONTENTS, WIDTH
from discord_activity_tracker.protocol_impl import DiscordState

logger = logging.getLogger(__name__)
States = Mapping[str, DiscordState | None]
SETTLED = timedelta(seconds=60)
"""Messages younger than this may be missing in an answer without having been deleted."""
END = (1 << 63) - 1
FEW = 5
"""So many absences in the midst of a page are believed; for more Discord is asked once more."""


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """A container to be read above ``after``, up to ``upto`` (``None``: to its end)."""

    container: Container
    after: int
    states: Callable[[fetch.MessagePage, bool], States]
    """The positions that a page covers; the second argument tells whether it is the last one of the job."""
    upto: int | None = None
    seeks_deletions: bool = False
    broken: bool = False
    """A page could not be stored, so that those after it must not be."""


def read(run: Run, jobs: Iterable[Job], stream: str, allowance: fetch.Allowance | None = None) -> None:
    """Read all of them; one that fails stops none of the others."""
    gathering = fetch.Gathering[Job, fetch.MessagePage](run.session.background, WIDTH)
    for job in jobs:
        pages = fetch.messages(run.client, job.container.place.channel_id, job.after, job.upto, allowance)
        gathering.add(job, pages)
    for job, page in gathering:
        if page is None or job.broken:
            continue
        try:
            if isinstance(page, Exception):
                raise page
            _store(run, job, page)
        except CollectorError as error:
            job.broken = True
            refusals.take(run, job.container, stream, error)


def _store(run: Run, job: Job, page: fetch.MessagePage) -> None:
    """Write a page, unless what it does not contain is not to be believed."""
    place = job.container.place
    end = page.last or (job.upto is not None and page.newest >= job.upto)
    converted = convert.convert_messages(page.items, place.guild_id, place.channel_id)
    if converted.blank:
        _check_contents(run, page)
    gone = _absent(run, job, page) if job.seeks_deletions else ()
    if page.last and not job.seeks_deletions:
        _check_end(run, job.container, page)
    stored = store.store_messages(converted, place=place, now=timezone.now(), states=job.states(page, end), gone=gone)
    run.counts["messages"] += stored.seen
    run.counts["inserted"] += stored.inserted
    run.counts["updated"] += stored.updated
    run.counts["deleted"] += stored.deleted
    run.counts["messages_malformed"] += stored.malformed
    run.progress.advance(stored.seen)


def _absent(run: Run, job: Job, page: fetch.MessagePage) -> set[int]:
    """Kept ids that the page should contain and does not: they were deleted.

    Those younger than ``SETTLED`` are asked for one by one. Raises UnexpectedAnswer when one of the others is there
    after all (the page was cut, or its ``after`` not heeded), and DiscordRefused when the bot has lost the right to
    read back, for which Discord answers with an empty list.
    """
    covered = min(END if page.last else page.newest, END if job.upto is None else job.upto)
    channel_id = job.container.place.channel_id
    here = {int(item["id"]) for item in page.items}
    absent = store.known_between(channel_id, page.after, covered) - here
    settled = max(page.newest, convert.first_at(page.asked_at - SETTLED))
    gone = {pk for pk in absent if pk <= settled}
    if gone and (max(gone) > page.newest or len(gone) > FEW):
        _check_absence(run, channel_id, {max(gone), min(gone)})
    young = absent - gone
    return gone | {pk for pk in young if not run.session.run(fetch.is_there(run.client, channel_id, pk))}


def _check_end(run: Run, container: Container, page: fetch.MessagePage) -> None:
    """Of an answer that ends below what Discord called the last message: ask for that one."""
    if container.last_message_id > max(page.newest, container.seen):
        _check_absence(run, container.place.channel_id, {container.last_message_id})


def _check_absence(run: Run, channel_id: int, ids: Iterable[int]) -> None:
    for pk in ids:
        if run.session.run(fetch.is_there(run.client, channel_id, pk)):
            raise UnexpectedAnswer(
                f"Discord leaves out message {pk} of {channel_id} although it is there; run again later"
            )


def _check_contents(run: Run, page: fetch.MessagePage) -> None:
    """Of messages that say nothing at all: whether the bot may still read what they say."""
    if run.contents_seen_at is None or page.asked_at > run.contents_seen_at:
        asked_at = datetime.now(UTC)
        if not run.session.run(run.client.sees_contents_now()):
            raise ConfigurationError(NO_CONTENTS)
        run.contents_seen_at = asked_at
