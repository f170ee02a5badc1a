"""What one run over one guild knows and what came of it."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.collectors.progress import Progress
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, ReplaceToken, RetryLater
from core.runs import record_skip
from discord_activity_tracker import fetch
from discord_activity_tracker.collector.options import CollectOptions

logger = logging.getLogger(__name__)
COLLECTOR = "discord"
FAILURES = 10
"""So many containers that could not be read: the source is down, and the run ends."""


@dataclass(kw_only=True)
class Run:
    """One guild whose lock is held."""

    session: fetch.Session
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
    stopped: CollectorError | None = None
    """Why the run ends before everything was asked for."""
    contents_seen_at: datetime | None = None
    """Answers from before this time were given while the bot was allowed to read contents."""

    @property
    def client(self) -> fetch.Client:
        """The bot."""
        return self.session.client

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
        if len(self.failed) >= FAILURES:
            self.client.stop(error)
            self.stopped = self.stopped or error
