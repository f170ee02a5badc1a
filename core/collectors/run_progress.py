"""The progress of a run, kept in the ledger for whoever watches it from elsewhere."""

import time
from collections.abc import Sequence
from threading import get_ident
from typing import Any

from django.db import connection
from django.utils import timezone

from core.collectors.progress import Position, Progress, moved
from core.collectors.result import ScopeReport
from core.logs.redaction import redact
from core.models import CollectorRun

INDEXING = "sync_pinecone"
"""The phase in which the search index is brought up to date."""
TELL_EVERY = 1.0
"""Seconds between two writings of a run's progress."""


class RecordedProgress:
    """Writes the progress of a run to the ledger, at most once a second, and passes it on to ``shown``.

    Only the thread that opened the run writes, and never inside a transaction: a page that is rolled back must not take
    the progress with it, nor may the progress wait for a page.
    """

    def __init__(self, run: CollectorRun, shown: Progress) -> None:
        self._run, self._shown, self._thread = run, shown, get_ident()
        self._phase, self._position, self._streams = "", Position(), dict[str, int]()
        self._next = 0.0

    def begin(self, phase: str) -> None:
        """Begin a phase of the command."""
        self._phase, self._position, self._next = phase, Position(), 0.0
        self._write()

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Begin a stream of a scope, or change the total of this one."""
        before = self._position
        self._position = moved(before, scope, stream, total)
        self._shown.expect(scope, stream, total)
        if self._position is not before:  # another total is written with the items that follow
            self._write()

    def advance(self, seen: int) -> None:
        """Add items that were read."""
        stream = self._position.stream
        if self._phase != INDEXING:  # chunks of the index are no items of the source
            self._streams[stream] = self._streams.get(stream, 0) + seen
        self._position.seen += seen
        self._shown.advance(seen)
        self._write()

    def _state(self, now: float) -> dict[str, Any]:
        """Return what the run page and the health page show; ``rate`` a second, ``seconds_left`` as of now."""
        rate, left, position = self._position.rate(now), self._position.seconds_left(now), self._position
        return {
            "phase": self._phase, "scope": position.scope, "stream": position.stream, "seen": position.seen,
            "total": position.total, "streams": self._streams, "rate": round(rate, 1) if rate else None,
            "seconds_left": round(left) if left is not None else None,
        }  # fmt: skip

    def _write(self) -> None:
        now = time.monotonic()
        if now < self._next or get_ident() != self._thread or connection.in_atomic_block:
            return
        self._next = now + TELL_EVERY
        CollectorRun.objects.filter(pk=self._run.pk).update(progress=self._state(now), progress_at=timezone.now())


MOST_SCOPES = 10_000
"""Reports that the ledger keeps of one run."""


def kept_reports(reports: Sequence[ScopeReport]) -> list[dict[str, Any]]:
    """What the ledger keeps of each scope, those that fell short first; reasons without secrets."""
    ordered = sorted(reports, key=lambda report: (report.outcome == "succeeded", report.scope))
    return [
        {
            "scope": r.scope, "outcome": r.outcome, "counts": dict(r.counts), "reason": redact(r.reason)[:500],
            "category": r.category,
        }
        for r in ordered[:MOST_SCOPES]
    ]  # fmt: skip
