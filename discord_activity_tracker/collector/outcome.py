"""What reading one guild achieved: each step yields a ``Step``, and the ``Outcome`` adds the steps up."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
from discord_activity_tracker.collector.containers import REFUSED, Container, GuildRun, Inventory
from discord_activity_tracker.convert.guilds import Gap
from discord_activity_tracker.store.guilds import mark_channels_deleted

logger = logging.getLogger(__name__)
COLLECTOR = "discord"
FAILURES = 10
"""Failed channels in a row after which the run checks whether Discord answers at all."""
MOST_FAILURES = 50
"""Failed channels in a row after which the run over the guild ends although Discord answers the check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A list that could not be read. ``container`` is set where the list belongs to a readable channel or thread."""

    scope: str
    stream: str
    error: CollectorError
    container: Container | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The result of one step, such as a page of messages or a list of threads."""

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: Sequence[str] = ()
    """What the bot cannot read, one line each."""
    advanced: int = 0
    """Items to add to the progress display."""
    answered: bool = False
    """Whether Discord answered, which ends a row of failures."""
    complete: Sequence[tuple[str, str]] = ()
    """Scope and stream of lists that were read to their end; this implies ``answered``."""
    failure: Failure | None = None


class Outcome:
    """Adds the steps over one guild to its tally. Only the code that runs the steps changes it."""

    def __init__(self, run: GuildRun, tally: Tally, progress: Progress) -> None:
        self._run, self.tally, self._progress = run, tally, progress
        self._failures_in_a_row = 0
        self.refused: set[int] = set()
        """Primary keys of scopes in which Discord refused a request."""
        self.inventory = Inventory()
        self.open_skips: set[tuple[str, str]] = set()
        """Scope and stream of items that earlier runs skipped."""

    @property
    def is_stopped(self) -> bool:
        """Whether an error ends the run over the guild early."""
        return self.tally.error is not None

    def begin(self, stream: str) -> None:
        """Start a stream of the progress display."""
        self._progress.expect(self.tally.name, stream, None)

    def add(self, step: Step) -> None:
        """Add a step. Raises ReplaceToken and ConfigurationError, which affect every channel."""
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
        """Clear what earlier runs skipped in a list that this run has read.

        Skips of malformed messages stay open until the messages are read again; the page reader clears them.
        """
        if (scope, stream) in self.open_skips:
            self.open_skips.discard((scope, stream))
            external_id = stream if stream == "messages" else None
            clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id)

    def _add_failure(self, failure: Failure) -> None:
        """Mark a deleted channel, save a refusal, or record a skip."""
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
        """End the run when several lists in a row failed and Discord does not answer at all.

        Channels whose pages all fail are no outage by themselves.
        """
        self._failures_in_a_row += 1
        if self._failures_in_a_row % FAILURES:
            return
        if not self._run.request(self._run.client.answers()):
            self._run.client.stop(error)
            self.tally.error = self.tally.error or error
        elif self._failures_in_a_row >= MOST_FAILURES:
            self.tally.error = self.tally.error or error


GAPS = {
    DiscordRefused.MISSING_ACCESS: "no_view",
    DiscordRefused.MISSING_PERMISSIONS: "no_history",
}
"""Why a channel cannot be read, by Discord's error code."""
