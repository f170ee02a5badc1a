"""Read the messages of many channels and threads concurrently, and store the pages as they arrive."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core.errors import CollectorError, ConfigurationError, UnexpectedAnswer
from core.ingest.skips import clear_skips, record_failed_retry, record_skip, skips_to_retry
from core.ingest.values import Row
from core.models import SkippedItem
from core.operations.discord_ops import Gathering
from core.operations.output import number_of
from discord_activity_tracker.collector.run import COLLECTOR, Container, Failure, GuildRun, Step
from discord_activity_tracker.convert.guilds import convert_threads
from discord_activity_tracker.convert.messages import MessagePage, convert_messages, first_snowflake, whole_number
from discord_activity_tracker.fetch.guilds import OBJECT_ERRORS
from discord_activity_tracker.fetch.messages import (
    Allowance,
    RawMessagePage,
    Span,
    message_exists,
    read_message,
    read_messages,
)
from discord_activity_tracker.fetch.session import NO_CONTENTS, WIDTH
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.messages import PageWrite, live_ids_between, store_messages

logger = logging.getLogger(__name__)
States = Mapping[str, DiscordState | None]
Page = tuple[RawMessagePage, MessagePage]
SETTLED = timedelta(seconds=60)
"""Age below which a missing message is requested by id before it counts as deleted.

Discord's lists may not contain such new messages yet.
"""
END = (1 << 63) - 1
"""The largest number that fits into a bigint column. No message id is larger."""
BATCH = 16
"""Maximum number of pages in one transaction. With a larger value, a crash would cause more pages to be read again."""
UNREADABLE = "unreadable"
"""Stream and reason of the skips of messages that Discord never returns."""
PLAUSIBLE_ABSENCES = 5
"""Maximum number of stored messages that may be missing from the middle of a page without a check.

Up to this number, missing messages count as deleted. If more are missing, two of them are requested by id, because
Discord may have omitted existing messages.
"""
RETRIES = 5
"""Maximum number of unreadable messages per channel that a run requests again. Most of these requests fail again."""


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """The messages to read in a channel or thread: from the id ``after`` (exclusive) to the id ``upto`` (inclusive).

    If ``upto`` is ``None``, all later messages are read.
    """

    container: Container
    after: int
    states: Callable[[RawMessagePage, bool], States]
    """Function that returns the positions to save with a page. Its second argument is true for the job's last page."""
    upto: int | None = None
    newest_known: int = 0
    """Discord's ``last_message_id`` if that message has not been read yet, else 0."""
    detects_deletions: bool = False
    failed: bool = False
    """Whether a page could not be stored, so that later pages must not be stored either."""


class PageReader:
    """Reads and stores pages of messages of one guild. All passes of a run share one reader."""

    def __init__(self, run: GuildRun, *, threads: set[int], malformed: dict[str, set[int]]) -> None:
        self._run = run
        self.threads = threads
        """Ids of the stored threads of the guild."""
        self.new_threads = 0
        """Number of threads that were in no list and became known from the message that started them."""
        self._malformed = malformed
        """Ids of messages that earlier runs could not convert, by scope."""
        self._contents_confirmed_at: datetime | None = None
        """The last time at which the bot was able to read message contents."""

    def read(self, jobs: Iterable[Job], stream: str, allowance: Allowance | None = None) -> Iterator[Step]:
        """Read all jobs, and yield a step for each result. A job that fails does not stop the other jobs."""
        gathering = Gathering[Job, Page](self._run.session.background, WIDTH)
        for job in jobs:
            location = job.container.location
            span = Span(
                guild_id=location.guild_id, channel_id=location.channel_id, after=job.after, upto=job.upto,
                newest_known=job.newest_known,
            )  # fmt: skip
            gathering.add(job, _converted(job, read_messages(self._run.client, span, allowance)))
        for batch in gathering.batches(most=BATCH):
            yield from self.store_batch(batch, stream)
            self._run.session.share_invalid()

    def store_batch(self, batch: Iterable[tuple[Job, Page | Exception | None]], stream: str) -> Iterator[Step]:
        """Store the pages that have arrived.

        Pages of new messages are stored together. Pages that can reveal deletions are stored one by one.
        """
        writes: list[PageWrite] = []
        for job, arrival in batch:
            if job.failed:
                continue
            if arrival is None:
                yield Step(complete=[(job.container.scope, stream), (job.container.scope, "channel")])
                continue
            if isinstance(arrival, Exception) and writes:  # store the pages that precede the error
                yield self._store(writes)
                writes = []
            try:
                if isinstance(arrival, Exception):
                    raise arrival
                page, converted = arrival
                write = self._page_write(job, page, converted)
                yield self._page_step(job.container, page, len(write.threads))
                if job.detects_deletions:
                    deleted = self._deleted(job.container, page, job.upto) if page.complete else ()
                    yield self._store([write], deleted)
                    self._forget_deleted(job.container, page)
                else:
                    writes.append(write)
            except CollectorError as error:
                if writes:  # store these pages first, because a failure can mark all messages of a channel as deleted
                    yield self._store(writes)
                    writes = []
                job.failed = True
                scope = job.container.scope
                yield Step(failure=Failure(scope=scope, stream=stream, error=error, container=job.container))
        if writes:
            yield self._store(writes)

    def retry_unreadable(self, containers: Iterable[Container], skips: Collection[tuple[str, str]]) -> Iterator[Step]:
        """Request some of the messages that Discord did not return in earlier runs. See ``RETRIES``."""
        by_scope = {container.scope: container for container in containers}
        for scope, stream in [pair for pair in skips if pair[1] == UNREADABLE and pair[0] in by_scope]:
            items = skips_to_retry(
                collector=COLLECTOR, scope=scope, streams=[stream], reasons=[UNREADABLE], at_once=RETRIES
            )
            for item in items:
                if item.external_id.isdigit():
                    yield self._retry_message(by_scope[scope], item)

    def _retry_message(self, container: Container, item: SkippedItem) -> Step:
        """Request one message and store it if Discord returns it now."""
        location, message_id = container.location, int(item.external_id)
        try:
            message = self._run.request(read_message(self._run.client, location.channel_id, message_id))
        except OBJECT_ERRORS:
            record_failed_retry(item)
            return Step()
        except CollectorError as error:
            return Step(failure=Failure(scope=container.scope, stream=UNREADABLE, error=error))
        step = Step()
        if message is not None:
            page = convert_messages([message], location.guild_id, location.channel_id)
            step = self._store([PageWrite(page=page, location=location, states={})])
        clear_skips(collector=COLLECTOR, scope=container.scope, stream=UNREADABLE, external_id=item.external_id)
        return step

    def _page_write(self, job: Job, page: RawMessagePage, converted: MessagePage) -> PageWrite:
        """Return the rows and positions of a page. Raises ConfigurationError if message contents are hidden."""
        if converted.blank:
            self._check_contents(page)
        threads = self._new_threads(job.container, converted)
        is_last = page.last or (job.upto is not None and page.newest >= job.upto)
        states = job.states(page, is_last)
        return PageWrite(page=converted, location=job.container.location, states=states, threads=threads)

    def _page_step(self, container: Container, page: RawMessagePage, threads: int) -> Step:
        """Record the messages that Discord does not return, and return the counts and notes of the page."""
        for message_id in page.unreadable:
            record_skip(
                collector=COLLECTOR, scope=container.scope, stream=UNREADABLE, external_id=str(message_id),
                reason=UNREADABLE, detail="Discord returns an error for every request for this message",
            )  # fmt: skip
        notes: list[str] = []
        if page.unreadable:
            notes.append(
                f"#{container.name}: {number_of(len(page.unreadable), 'message')} cannot be read; later runs try again"
            )
        if page.items and not page.complete and page.reached:
            notes.append(
                f"#{container.name}: Discord cannot return some pages, so messages were requested one by one "
                "and some may be missing"
            )
        counts = {"messages_unreadable": len(page.unreadable), "threads": threads}
        return Step(counts=counts, notes=notes, answered=True)

    def _new_threads(self, container: Container, page: MessagePage) -> Sequence[Row]:
        """Return rows for the threads that started at messages of the page and that no list contained.

        After a channel was switched between text and announcement, its lists omit older archived threads.
        """
        unknown = [thread for thread in page.threads if whole_number(thread.get("id")) not in self.threads]
        if not unknown or container.location.is_thread:
            return ()
        converted = convert_threads(unknown, container.location.guild_id, "ok")
        page.malformed.extend(converted.malformed)
        rows = [row for row in converted.rows if row["id"] not in self.threads and row["is_thread"]]
        self.threads.update(row["id"] for row in rows)
        self.new_threads += len(rows)
        return rows

    def _store(self, writes: Sequence[PageWrite], deleted: Collection[int] = ()) -> Step:
        """Store pages, and clear the skips of messages that could be converted this time."""
        results = store_messages(writes, now=timezone.now(), deleted=deleted)
        for write in writes:
            scope = f"{write.location.guild_id}/{write.location.channel_id}"
            self._clear_malformed(scope, (record.row["id"] for record in write.page.records))
        seen = sum(result.seen for result in results)
        counts = {
            "messages": seen,
            "messages_inserted": sum(result.inserted for result in results),
            "messages_updated": sum(result.updated for result in results),
            "messages_deleted": sum(result.deleted for result in results),
            "messages_malformed": sum(result.malformed for result in results),
        }
        return Step(counts=counts, advanced=seen)

    def _forget_deleted(self, container: Container, page: RawMessagePage) -> None:
        """Clear the skips of malformed messages that the page no longer contains."""
        malformed = self._malformed.get(container.scope)
        if page.complete and malformed:
            present = {int(item["id"]) for item in page.items}
            absent = [pk for pk in malformed if page.after < pk <= page.newest and pk not in present]
            self._clear_malformed(container.scope, absent)

    def _clear_malformed(self, scope: str, ids: Iterable[int]) -> None:
        """Clear the skips of messages that could not be converted before and are now stored or deleted."""
        malformed = self._malformed.get(scope)
        for message_id in malformed.intersection(ids) if malformed else ():
            self._malformed[scope].discard(message_id)
            clear_skips(collector=COLLECTOR, scope=scope, stream="messages", external_id=str(message_id))

    def _deleted(self, container: Container, page: RawMessagePage, upto: int | None) -> set[int]:
        """Return the ids of stored messages that have been deleted.

        Their ids are in the range of the page, but the page does not contain them. Raises UnexpectedAnswer if Discord
        omits an existing message. If the bot has lost the permission to read the history, Discord returns an empty
        list. In this case, the request for a single message raises DiscordRefused.
        """
        covered = min(END if page.last else page.newest, END if upto is None else upto)
        channel_id = container.location.channel_id
        present = {int(item["id"]) for item in page.items}
        absent = live_ids_between(channel_id, page.after, covered) - present
        settled = max(page.newest, first_snowflake(page.requested_at - SETTLED))
        deleted = {message_id for message_id in absent if message_id <= settled}
        if deleted and (max(deleted) > page.newest or len(deleted) > PLAUSIBLE_ABSENCES):
            for message_id in {max(deleted), min(deleted)}:
                if self._exists(channel_id, message_id):
                    raise UnexpectedAnswer(
                        f"Discord omits the existing message {message_id} of channel {channel_id}; run again later"
                    )
        return deleted | {pk for pk in absent - deleted if not self._exists(channel_id, pk)}

    def _exists(self, channel_id: int, message_id: int) -> bool:
        return self._run.request(message_exists(self._run.client, channel_id, message_id))

    def _check_contents(self, page: RawMessagePage) -> None:
        """Check why a page has blank messages. Raise ConfigurationError if the bot may no longer read contents."""
        if self._contents_confirmed_at is None or page.requested_at > self._contents_confirmed_at:
            checked_at = datetime.now(UTC)
            if not self._run.request(self._run.client.sees_contents_now()):
                raise ConfigurationError(NO_CONTENTS)
            self._contents_confirmed_at = checked_at


async def _converted(job: Job, pages: AsyncIterator[RawMessagePage]) -> AsyncIterator[Page]:
    """Convert pages in the thread that requests them. Meanwhile, the main thread can wait for the database."""
    location = job.container.location
    async for page in pages:
        yield page, convert_messages(page.items, location.guild_id, location.channel_id)
