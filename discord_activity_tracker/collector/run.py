"""State of a run over one guild: its options, the channels and threads to read, and the results of its steps.

Refused requests count towards a ban of the machine's IP address, so each refusal is saved. The channel is requested
again after one, two, four and then seven days, or as soon as the bot's permissions in the channel change.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Q

from core.collectors.progress import Progress
from core.errors import (
    BudgetExhausted,
    CollectorError,
    ConfigurationError,
    ReplaceToken,
    RetryLater,
    SourceTimeout,
    SourceUnavailable,
)
from core.ingest.scoped import Tally
from core.ingest.skips import clear_skips, record_skip
from core.operations.discord_ops import DiscordRefused, NotThere
from discord_activity_tracker.convert.guilds import Gap
from discord_activity_tracker.fetch.session import Bot, Client, Session
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import load_states
from discord_activity_tracker.store.conversations import Location
from discord_activity_tracker.store.guilds import live_channels, mark_channels_deleted, scopes_of, store_refusal

Answer = TypeVar("Answer")
DAY = timedelta(days=1)
WAIT_DAYS = (1, 2, 4, 7)
"""Days until a refused channel is requested again, by the number of consecutive refusals.

The last value applies to all further refusals. With smaller values, more refused requests would count towards a ban.
"""
REFUSED = "refused"
"""Name of the stream that saves the last refusal of a channel or thread."""
COLLECTOR = "discord"
FAILURES = 10
"""Number of consecutive failed lists after which the run checks whether Discord responds at all.

A larger value would lose more time in an outage. A smaller value would cost checks when only a few channels fail.
"""
MOST_FAILURES = 50
"""Number of consecutive failed lists after which the run over the guild ends even if Discord responds to the check.

A larger value would cost more failing requests. A smaller value could end a run in which only some channels fail.
"""
GAPS = {
    DiscordRefused.MISSING_ACCESS: "no_view",
    DiscordRefused.MISSING_PERMISSIONS: "no_history",
}
"""Reason why a channel cannot be read, by Discord's error code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectOptions:
    """The options of ``collect_discord``.

    ``since`` must have a time zone. ``max_requests`` and ``max_seconds`` are unlimited if they are ``None``.
    """

    guilds: Sequence[str] = ()
    channel: int | None = None
    since: datetime | None = None
    full: bool = False
    sweep: bool = False
    reactors: bool = False
    max_requests: int | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildRun:
    """A run over one guild, with the bot that reads the guild. The caller must hold the lock of the guild."""

    session: Session
    bot: Bot
    options: CollectOptions
    guild_id: int
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def client(self) -> Client:
        """The Discord client of the bot."""
        assert self.bot.client is not None  # noqa: S101  (a usable bot has one)
        return self.bot.client

    def request(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine that sends requests, and return its result."""
        return self.session.run(work)

    def scope(self, channel_id: int) -> str:
        """Return the scope under which the skipped items of a channel are recorded."""
        return f"{self.guild_id}/{channel_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A channel or thread that the bot may read. ``last_message_id`` is 0 if Discord reports no last message."""

    location: Location
    name: str
    last_message_id: int
    archived: bool
    states: Mapping[str, DiscordState]
    parent_id: int = 0
    """The id of a thread's channel, or 0 for channels."""

    @property
    def scope(self) -> str:
        """The value of ``SkippedItem.scope``: the id of the guild and the id of the channel or thread."""
        return f"{self.location.guild_id}/{self.location.channel_id}"

    def state(self, stream: str) -> DiscordState:
        """Return the saved position of a stream, or an empty position."""
        return self.states.get(stream) or DiscordState()

    @property
    def cursor(self) -> int:
        """The message id up to which the channel or thread has been read, or 0."""
        return int(self.state("messages").checkpoint_token or 0)

    @property
    def seen(self) -> int:
        """The highest message id that was known when the container was last read to its end, or -1 if it never was."""
        seen = self.state("messages").extras.get("seen", -1)
        return seen if isinstance(seen, int) else -1

    @property
    def done(self) -> str:
        """The ISO time at which the channel or thread was last read to its end, or an empty string if it never was."""
        return str(self.state("messages").extras.get("done", ""))

    @property
    def began(self) -> str:
        """The ISO time of the run that first read the channel or thread, or an empty string."""
        return str(self.state("messages").extras.get("began", ""))

    @property
    def swept(self) -> str:
        """The ISO time of the last complete sweep, or an empty string.

        If all messages were read but not swept yet, this is ``began``.
        """
        return max(str(self.state("sweep").extras.get("done", "")), self.began if self.done else "")

    def has_new_messages(self, now: datetime) -> bool:
        """Return whether messages may exist above the cursor.

        ``last_message_id`` can be wrong, so each channel or thread is read once a day anyway. This does not apply to
        archived threads: they get no messages until they are reopened, and the thread lists show reopened threads.
        """
        if not self.done or self.last_message_id > self.seen:
            return True
        return not self.archived and now - datetime.fromisoformat(self.done) > DAY


def load_containers(guild_id: int, only: int | None) -> list[Container]:
    """Return the channels and threads of a guild that the bot may read.

    If ``only`` is given, return only this channel and its threads. The least recently read channels and threads come
    first. Channels come before threads that were read at the same time.
    """
    channels = live_channels(guild_id).filter(access="ok")
    if only is not None:
        channels = channels.filter(Q(pk=only) | Q(parent_id=only, is_thread=True))
    rows = list(channels.values_list("pk", "name", "parent_id", "is_thread", "archived", "last_message_id"))
    scopes, states = scopes_of(guild_id), load_states([row[0] for row in rows])
    return sorted(
        (
            Container(
                location=Location(
                    guild_id=guild_id,
                    channel_id=pk,
                    scope_id=scopes[parent if is_thread else pk],
                    is_thread=is_thread,
                ),
                name=name or str(pk),
                last_message_id=last or 0,
                archived=archived,
                states=states.get(pk, {}),
                parent_id=(parent or 0) if is_thread else 0,
            )
            for pk, name, parent, is_thread, archived, last in rows
            if (parent if is_thread else pk) in scopes
        ),
        key=lambda container: (container.done, container.location.is_thread),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """Permissions, parent channels and unreadable channels in a guild. Empty until the run has listed the guild."""

    permissions: Mapping[int, int] = field(default_factory=dict[int, int])
    """The bot's permission bits, by channel id."""
    parents: Mapping[int, int] = field(default_factory=dict[int, int])
    """The id of the parent channel, by thread id, for each stored thread that is not deleted."""
    unreadable: frozenset[int] = frozenset()
    """Ids of channels and threads that Discord neither returns nor reports as deleted. This run does not read them."""

    def permissions_in(self, channel_id: int) -> str:
        """Return the bot's permission bits in a channel as text, or an empty string if they are unknown.

        A thread has the permissions of its channel.
        """
        bits = self.permissions.get(channel_id, self.permissions.get(self.parents.get(channel_id, 0)))
        return "" if bits is None else str(bits)

    def is_readable(self, run: GuildRun, container: Container) -> bool:
        """Return whether this run may request the messages of a channel or thread."""
        channel_id = container.location.channel_id
        if channel_id in self.unreadable or container.parent_id in self.unreadable:
            return False
        return not self.is_waiting(run, channel_id, container.state(REFUSED))

    def is_waiting(self, run: GuildRun, channel_id: int, refusal: DiscordState) -> bool:
        """Return whether it is too early to request a refused channel or list again."""
        at, times = str(refusal.extras.get("at", "")), refusal.extras.get("times", 1)
        if not at or run.options.full:
            return False
        days = WAIT_DAYS[min(max(times if isinstance(times, int) else 1, 1), len(WAIT_DAYS)) - 1]
        before = str(refusal.extras.get("permissions", ""))
        changed = bool(before and (now := self.permissions_in(channel_id)) and now != before)
        return not changed and run.started < datetime.fromisoformat(at) + timedelta(days=days)

    def refusal(
        self, run: GuildRun, channel_id: int, previous: DiscordState, error: CollectorError
    ) -> dict[str, object]:
        """Return the data to save about a refusal: time, error type, number of consecutive refusals and permissions."""
        times = previous.extras.get("times", 0)
        return {
            "at": run.started.isoformat(), "reason": type(error).__name__,
            "permissions": self.permissions_in(channel_id), "times": times + 1 if isinstance(times, int) else 1,
        }  # fmt: skip

    def save_refusal(
        self, run: GuildRun, channel_id: int, previous: DiscordState, error: CollectorError,
        *, access: str = "", gap: str = "",
    ) -> None:  # fmt: skip
        """Save that Discord refuses a channel or thread. ``access`` and ``gap`` describe the missing permissions."""
        extras = self.refusal(run, channel_id, previous, error) | ({"reason": access} if access else {})
        state = DiscordState(human_readable_marker=str(error)[:200], extras=extras)
        store_refusal(channel_id, access, gap, state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A list that could not be read. ``container`` is set if the list belongs to a readable channel or thread."""

    scope: str
    stream: str
    error: CollectorError
    container: Container | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The result of one step, such as a page of messages or a list of threads."""

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: Sequence[str] = ()
    """Lines for the operator about data that the bot cannot read."""
    advanced: int = 0
    """Number of items to add to the progress display."""
    answered: bool = False
    """Whether Discord responded. A response resets the number of consecutive failures."""
    complete: Sequence[tuple[str, str]] = ()
    """Scope and stream of each list that was read to its end. This implies ``answered``."""
    failure: Failure | None = None


class Outcome:
    """Adds the steps of one guild to its tally."""

    def __init__(self, run: GuildRun, tally: Tally, progress: Progress) -> None:
        self._run, self.tally, self._progress = run, tally, progress
        self._failures_in_a_row = 0
        self.refused: set[int] = set()
        """Primary keys of the scopes in which Discord refused a request."""
        self.inventory = Inventory()
        self.open_skips: set[tuple[str, str]] = set()
        """Scope and stream of each open skip of earlier runs."""

    @property
    def is_stopped(self) -> bool:
        """Whether an error ends the run over the guild early."""
        return self.tally.error is not None

    def begin(self, stream: str) -> None:
        """Show a new stream in the progress display."""
        self._progress.expect(self.tally.name, stream, None)

    def add(self, step: Step) -> None:
        """Add a step.

        Raises the error of the step if it is a ReplaceToken or a ConfigurationError, because it affects every channel.
        """
        self.tally.counts.update(step.counts)
        self.tally.notes += step.notes
        if step.advanced:
            self._progress.advance(step.advanced)
        if step.answered or step.complete:
            self._failures_in_a_row = 0
        for scope, stream in step.complete:
            self._clear_skips(scope, stream)
        if step.failure:
            self._add_failure(step.failure)

    def _clear_skips(self, scope: str, stream: str) -> None:
        """Clear the skips of a list that this run has read.

        The skips of malformed messages stay open until the page reader has read these messages again.
        """
        if (scope, stream) in self.open_skips:
            self.open_skips.discard((scope, stream))
            external_id = stream if stream == "messages" else None
            clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id)

    def _add_failure(self, failure: Failure) -> None:
        """Handle a failed list: mark a deleted channel as deleted, save a refusal, or record a skip."""
        error, container = failure.error, failure.container
        if container and isinstance(error, NotThere) and error.code == NotThere.UNKNOWN_CHANNEL:
            deleted = mark_channels_deleted([container.location.channel_id], self._run.started)
            self.tally.counts.update(channels_deleted=1, messages_deleted=deleted)
        elif container and isinstance(error, DiscordRefused) and error.code in GAPS:
            channel_id = container.location.channel_id
            gap = Gap(channel_id=channel_id, name=container.name, reason=GAPS[error.code])
            self.tally.notes.append(gap.line)
            self.refused.add(container.location.scope_id)
            self.inventory.save_refusal(
                self._run, channel_id, container.state(REFUSED), error, access=gap.reason, gap=gap.words
            )
        else:
            self._skip(failure)

    def _skip(self, failure: Failure) -> None:
        error = failure.error
        if isinstance(error, ReplaceToken | ConfigurationError):
            raise error
        if isinstance(error, BudgetExhausted | RetryLater):
            self.tally.error = self.tally.error or error
            return
        self.tally.failures.append(f"{failure.scope}: {error}")
        record_skip(
            collector=COLLECTOR, scope=failure.scope, stream=failure.stream, external_id=failure.stream,
            reason=type(error).__name__, detail=str(error),
        )  # fmt: skip
        if isinstance(error, SourceUnavailable | SourceTimeout):
            self._check_outage(error)

    def _check_outage(self, error: CollectorError) -> None:
        """End the run over the guild if Discord is probably down.

        After every ``FAILURES`` consecutive failed lists, the run checks whether Discord responds. If Discord responds,
        the run continues until ``MOST_FAILURES`` consecutive lists have failed.
        """
        self._failures_in_a_row += 1
        if self._failures_in_a_row % FAILURES:
            return
        if not self._run.request(self._run.client.answers()):
            self._run.client.stop(error)
            self.tally.error = self.tally.error or error
        elif self._failures_in_a_row >= MOST_FAILURES:
            self.tally.error = self.tally.error or error
