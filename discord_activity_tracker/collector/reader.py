"""Reading containers side by side, and storing their pages as they come."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core.errors import CollectorError, ConfigurationError, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_failed_retry, record_skip
from core.ingest.values import Row
from core.models import SkippedItem
from discord_activity_tracker import convert, fetch, store
from discord_activity_tracker.collector import access_errors
from discord_activity_tracker.collector.containers import Container
from discord_activity_tracker.collector.run import COLLECTOR, Run
from discord_activity_tracker.convert.snowflakes import whole_number
from discord_activity_tracker.fetch.session import NO_CONTENTS, WIDTH
from discord_activity_tracker.protocol_impl import DiscordState

logger = logging.getLogger(__name__)
States = Mapping[str, DiscordState | None]
Page = tuple[fetch.MessagePage, convert.MessagePage]
SETTLED = timedelta(seconds=60)
"""Messages younger than this may be missing in an answer without having been deleted."""
END = (1 << 63) - 1
TOGETHER = 16
"""Pages at most that are written in one transaction: what a crash costs is read again."""
UNREADABLE = "unreadable"
"""Stream and reason of messages that Discord does not give out."""
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
    newest_known: int = 0
    """A message that Discord names as the last one, where it is not read yet."""
    seeks_deletions: bool = False
    broken: bool = False
    """A page could not be stored, so that those after it must not be."""


def read(run: Run, jobs: Iterable[Job], stream: str, allowance: fetch.Allowance | None = None) -> None:
    """Read all of them; one that fails stops none of the others."""
    gathering = fetch.Gathering[Job, Page](run.session.background, WIDTH)
    for job in jobs:
        place = job.container.place
        span = fetch.Span(
            guild_id=place.guild_id, channel_id=place.channel_id, after=job.after, upto=job.upto,
            newest_known=job.newest_known,
        )  # fmt: skip
        gathering.add(job, _converted(job, fetch.messages(run.client, span, allowance)))
    for found in gathering.batches(most=TOGETHER):
        _take(run, found, stream)
        run.session.share_invalid()


async def _converted(job: Job, pages: AsyncIterator[fetch.MessagePage]) -> AsyncIterator[Page]:
    """Pages with what becomes of them, made here while the other thread waits for the database."""
    place = job.container.place
    async for page in pages:
        yield page, convert.convert_messages(page.items, place.guild_id, place.channel_id)


def _take(run: Run, found: Iterable[tuple[Job, Page | Exception | None]], stream: str) -> None:
    """Store what has come: pages of news together, those in which deletions are sought each by itself."""
    news: list[store.Reading] = []
    try:
        for job, come in found:
            if come is None and not job.broken:
                run.note_success(_scope(job.container), stream, "channel")
            if come is None or job.broken:
                continue
            try:
                page, reading = _reading(run, job, come)
                _note_unreadable(run, job.container, page)
                if job.seeks_deletions:
                    _store(run, [reading], _absent(run, job, page) if page.complete else ())
                    _forget_deleted(run, job, page)
                else:
                    news.append(reading)
            except CollectorError as error:
                _store(run, news)  # before anything of theirs is buried
                news = []
                job.broken = True
                access_errors.take(run, job.container, stream, error)
    finally:  # whatever is wrong with one page, those before it are right
        _store(run, news)


def _scope(container: Container) -> str:
    return f"{container.place.guild_id}/{container.place.channel_id}"


def _note_unreadable(run: Run, container: Container, page: fetch.MessagePage) -> None:
    """Record the messages that Discord does not give out, and that a channel could only be read by the search."""
    run.failures_in_a_row = 0
    for pk in page.unreadable:
        run.counts["messages_unreadable"] += 1
        record_skip(
            collector=COLLECTOR, scope=_scope(container), stream=UNREADABLE, external_id=str(pk), reason=UNREADABLE,
            detail="Discord answers every request for this message with an error",
        )  # fmt: skip
    if page.unreadable:
        run.notes.append(f"#{container.name}: {len(page.unreadable)} messages cannot be read; later runs try again")
    if page.items and not page.complete and page.reached:
        note = f"#{container.name} can only be read message by message: Discord cannot produce its pages"
        if note not in run.notes:
            run.notes.append(note)


def retry_message(run: Run, container: Container, item: SkippedItem) -> None:
    """Ask once more for a message that could not be read, and store it when it can be."""
    place, pk = container.place, int(item.external_id)
    try:
        message = run.session.run(fetch.read_message(run.client, place.channel_id, pk))
    except CollectorError as error:
        if isinstance(error, fetch.ODD_ANSWERS):
            record_failed_retry(item)
        else:
            run.note_failure(_scope(container), UNREADABLE, error)
        return
    if message is not None:
        page = convert.convert_messages([message], place.guild_id, place.channel_id)
        _store(run, [store.Reading(page=page, place=place, states={})])
    clear_skips(collector=COLLECTOR, scope=_scope(container), stream=UNREADABLE, external_id=item.external_id)


def _reading(run: Run, job: Job, come: Page | Exception) -> tuple[fetch.MessagePage, store.Reading]:
    """A page and how it is to be written, unless what it does not contain is not to be believed."""
    if isinstance(come, Exception):
        raise come
    page, converted = come
    end = page.last or (job.upto is not None and page.newest >= job.upto)
    if converted.blank:
        _check_contents(run, page)
    threads = _unknown_threads(run, job.container, converted)
    states = job.states(page, end)
    return page, store.Reading(page=converted, place=job.container.place, states=states, threads=threads)


def _unknown_threads(run: Run, container: Container, page: convert.MessagePage) -> Sequence[Row]:
    """Rows of threads that messages of the page began and that no list has shown.

    Lists leave out archived threads of a channel that was switched between text and announcement.
    """
    unknown = [thread for thread in page.threads if whole_number(thread.get("id")) not in run.threads]
    if not unknown or container.place.is_thread:
        return ()
    found = convert.convert_threads(unknown, container.place.guild_id, "ok")
    page.malformed.extend(found.malformed)
    rows = [row for row in found.rows if row["id"] not in run.threads and row["is_thread"]]
    run.threads.update(row["id"] for row in rows)
    run.threads_from_messages += len(rows)
    run.counts["threads"] += len(rows)
    return rows


def _store(run: Run, readings: Sequence[store.Reading], gone: Collection[int] = ()) -> None:
    if not readings:
        return
    for stored in store.store_messages(readings, now=timezone.now(), gone=gone):
        run.counts["messages"] += stored.seen
        run.counts["inserted"] += stored.inserted
        run.counts["updated"] += stored.updated
        run.counts["deleted"] += stored.deleted
        run.counts["messages_malformed"] += stored.malformed
        run.progress.advance(stored.seen)
    for reading in readings:
        run.note_converted(
            f"{reading.place.guild_id}/{reading.place.channel_id}", (row["id"] for row in reading.page.rows)
        )


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


def _forget_deleted(run: Run, job: Job, page: fetch.MessagePage) -> None:
    """Clear the skips of messages that could not be converted and that a page no longer has."""
    scope = _scope(job.container)
    if page.complete and (waiting := run.malformed.get(scope)):
        here = {int(item["id"]) for item in page.items}
        run.note_converted(scope, [pk for pk in waiting if page.after < pk <= page.newest and pk not in here])


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
