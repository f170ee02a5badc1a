"""The progress of a run, kept in the ledger for whoever watches it from elsewhere."""

import time
from collections.abc import Sequence
from threading import get_ident
from typing import Any

from django.db import connection
from django.utils import timezone

from core.collectors.progress import Progress
from core.collectors.result import ScopeReport
from core.models import CollectorRun
from core.operations.redaction import redact

TELL_EVERY = 1.0
"""Seconds between two writings of a run's progress."""


class RecordedProgress:
    """Keeps what a collector tells in the ledger, at most once a second, and passes it on to ``shown``.

    Only the thread that opened the run writes, and never inside a transaction: a page that is rolled back must not take
    the progress with it, nor may the progress wait for a page.
    """

    def __init__(self, run: CollectorRun, shown: Progress) -> None:
        self._run, self._shown, self._thread = run, shown, get_ident()
        self._told: dict[str, Any] = {"streams": {}}
        self._next = 0.0

    def begin(self, phase: str) -> None:
        """A phase of the command begins."""
        self._told |= {"phase": phase, "scope": "", "stream": "", "seen": 0, "total": None}
        self._next = 0.0
        self._write()

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """A stream of a scope begins."""
        self._told |= {"scope": scope, "stream": stream, "seen": 0, "total": total}
        self._shown.expect(scope, stream, total)
        self._write()

    def advance(self, seen: int) -> None:
        """So many more items were seen."""
        streams, stream = self._told["streams"], str(self._told.get("stream", ""))
        streams[stream] = streams.get(stream, 0) + seen
        self._told["seen"] = self._told.get("seen", 0) + seen
        self._shown.advance(seen)
        self._write()

    def _write(self) -> None:
        if time.monotonic() < self._next or get_ident() != self._thread or connection.in_atomic_block:
            return
        self._next = time.monotonic() + TELL_EVERY
        CollectorRun.objects.filter(pk=self._run.pk).update(progress=self._told, progress_at=timezone.now())


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
