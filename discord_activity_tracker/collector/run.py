"""What one run over one guild knows and what came of it."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

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
from core.ingest.skips import clear_skips, record_skip
from discord_activity_tracker import fetch
from discord_activity_tracker.collector.options import CollectOptions

logger = logging.getLogger(__name__)
COLLECTOR = "discord"
FAILURES = 10
"""Containers in a row that Discord does not answer properly; then it is asked whether it answers at all."""
MOST_FAILURES = 50
"""Containers in a row after which the run over the guild ends although Discord answers something."""


@dataclass(kw_only=True)
class Run:
    """One guild whose lock is held, and the bot that reads it."""

    session: fetch.Session
    client: fetch.Client
    options: CollectOptions
    guild_id: int
    progress: Progress
    name: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    counts: Counter[str] = field(default_factory=Counter[str])
    notes: list[str] = field(default_factory=list[str])
    """What the bot cannot read, a line for each channel."""
    failed: list[str] = field(default_factory=list[str])
    """Containers that could not be read although they should, with the reason."""
    refused: set[int] = field(default_factory=set[int])
    """Keys of the scopes in which Discord refused something."""
    unreadable: set[int] = field(default_factory=set[int])
    """Channels and threads that Discord neither shows nor reports as deleted; this run does not ask for them again."""
    bits: Mapping[int, int] = field(default_factory=dict[int, int])
    """The bot's permissions by channel; empty before the look at the guild."""
    parents: Mapping[int, int] = field(default_factory=dict[int, int])
    """The channel of each thread that was listed or stored."""
    threads: set[int] = field(default_factory=set[int])
    """Threads that are stored."""
    threads_from_messages: int = 0
    """Threads that were unknown until a message that began them was read."""
    open_skips: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Scope and stream of what earlier runs could not read."""
    malformed: Mapping[str, set[int]] = field(default_factory=dict[str, set[int]])
    """By scope the ids of messages that earlier runs could not convert."""
    stopped: CollectorError | None = None
    """Why the run ends before everything was asked for."""
    contents_seen_at: datetime | None = None
    """Answers from before this time were given while the bot was allowed to read contents."""
    failures_in_a_row: int = 0

    def note_failure(self, scope: str, stream: str, error: CollectorError) -> None:
        """Keep why something could not be read; raises what nobody can escape."""
        if isinstance(error, ReplaceToken | ConfigurationError):
            raise error
        if isinstance(error, BudgetExhausted | RetryLater):
            self.stopped = self.stopped or error
            return
        self.failed.append(f"{scope}: {error}")
        record_skip(
            collector=COLLECTOR, scope=scope, stream=stream, external_id=stream, reason=type(error).__name__,
            detail=str(error),
        )  # fmt: skip
        if isinstance(error, SourceUnavailable | SourceTimeout):
            self._check_outage(error)

    def note_unreadable(self, channel_id: int, reason: str, error: CollectorError) -> None:
        """Record a channel or thread that has gone without Discord saying so; the run goes on."""
        if isinstance(error, BudgetExhausted | RetryLater | ReplaceToken | ConfigurationError):
            self.note_failure(f"{self.guild_id}/{channel_id}", "channel", error)
            return
        self.unreadable.add(channel_id)
        self.counts["channels_unreadable"] += 1
        record_skip(
            collector=COLLECTOR, scope=f"{self.guild_id}/{channel_id}", stream="channel", external_id=str(channel_id),
            reason=reason, detail=str(error),
        )  # fmt: skip

    def note_success(self, scope: str, *streams: str) -> None:
        """Something was read: Discord answers, and what earlier runs could not read there is no longer missing.

        Messages that could not be converted stay skipped until they are read again; see ``note_converted``.
        """
        self.failures_in_a_row = 0
        for stream in streams:
            if (scope, stream) in self.open_skips:
                self.open_skips.discard((scope, stream))
                own = stream if stream == "messages" else None
                clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=own)

    def note_converted(self, scope: str, ids: Iterable[int]) -> None:
        """Clear the skips of messages that could not be converted before, and are stored now or gone."""
        waiting = self.malformed.get(scope)
        if not waiting:
            return
        for pk in waiting.intersection(ids):
            waiting.discard(pk)
            clear_skips(collector=COLLECTOR, scope=scope, stream="messages", external_id=str(pk))

    def _check_outage(self, error: CollectorError) -> None:
        """After several failures in a row: end the run when Discord as a whole does not answer.

        A channel in which every page fails is no outage, however many there are.
        """
        self.failures_in_a_row += 1
        if self.failures_in_a_row % FAILURES:
            return
        if not self.session.run(self.client.answers()):
            self.client.stop(error)
            self.stopped = self.stopped or error
        elif self.failures_in_a_row >= MOST_FAILURES:
            self.stopped = self.stopped or error
