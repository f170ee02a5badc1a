"""Progress of long operations.

A terminal shows one line that is updated in place. Without a terminal, as under cron, nothing is printed unless
``--progress`` is set. Collecting commands also store their progress in the ledger.
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any, Protocol, TextIO

from django.db import connection
from django.utils import timezone

from core.models import CollectorRun
from core.operations.visible import without_hidden

TICK = 0.5
"""Seconds between updates of the line while no items arrive. The moving clock shows that the command still runs."""
PLAIN_EVERY = 10.0
"""Seconds between lines if ``--progress`` writes to a file. With shorter intervals, long runs would fill the log."""
SOON = 2.0
"""Seconds from the start of a stream until its rate is shown. A rate over a shorter time would be inaccurate."""


class Progress(Protocol):
    """Receives progress reports from collectors and from the search index."""

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Begin a stream of a scope, or change the total of the current stream. ``None`` means an unknown total."""
        ...

    def advance(self, seen: int) -> None:
        """Report ``seen`` further items of the current stream."""
        ...


@dataclass(kw_only=True)
class Position:
    """The position within one stream. All displays are derived from it."""

    scope: str = ""
    stream: str = ""
    total: int | None = None
    seen: int = 0
    began: float = field(default_factory=time.monotonic)
    """Start time on the monotonic clock, in seconds."""
    advanced: float | None = None
    """Time of the last report on the monotonic clock, in seconds. ``None`` before the first report."""

    @property
    def known_total(self) -> int | None:
        """Return the total, or ``None`` if it is unknown or exceeded."""
        return self.total if self.total and self.total >= self.seen else None

    def add(self, seen: int) -> None:
        """Add ``seen`` items, and store the time of this report."""
        self.seen += seen
        self.advanced = time.monotonic()

    def rate(self, now: float) -> float | None:
        """Return the items per second up to the last report.

        Returns ``None`` if there are no items, or if the last report came less than ``SOON`` seconds after the start.
        """
        elapsed = (self.advanced or now) - self.began
        return self.seen / elapsed if self.seen and elapsed >= SOON else None

    def seconds_left(self, now: float) -> float | None:
        """Return the remaining seconds at the current rate, or ``None`` if the total or the rate is unknown.

        The index reports 64 to 256 chunks at once. Between two reports, the remaining time counts down.
        """
        rate, total = self.rate(now), self.known_total
        if not rate or not total:
            return None
        left = (total - self.seen) / rate - (now - (self.advanced or now))
        # A negative value means that a report is overdue and the rate has dropped. Then use the rate up to now.
        return left if left >= 0 else (total - self.seen) * (now - self.began) / self.seen

    def line(self, now: float, width: int) -> str:
        """Return a line such as ``owner/name  issues  120 of 878  40/s  0:19 left``, in at most ``width`` columns.

        If the line is too long, the name of the scope is shortened, so that the numbers stay complete.
        """
        figures = [self.stream.replace("_", " ")] if self.stream else []
        if self.seen or self.total:
            figures.append(f"{self.seen:,} of {self.known_total:,}" if self.known_total else f"{self.seen:,}")
        rate, left = self.rate(now), self.seconds_left(now)
        figures += [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"] if rate else []
        figures.append(f"{clock(left)} left" if left is not None else f"{clock(now - self.began)} so far")
        right = "  ".join(figures)
        available = width - len(right) - 2
        scope = shortened(self.scope or "starting", available) if available >= 4 else ""
        return "  ".join(filter(None, [scope, right]))[:width]


def clock(seconds: float) -> str:
    """Return seconds in the format ``0:07``, ``12:30`` or ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def shortened(text: str, width: int) -> str:
    """Return a text without hidden characters. If it is longer than ``width``, replace its middle with an ellipsis."""
    plain = without_hidden(text.replace("\n", " ").replace("\t", " "), " ")
    if len(plain) <= width:
        return plain
    head = (width - 1) // 2
    return f"{plain[:head]}…{plain[len(plain) - (width - 1 - head) :]}"


class Silence:
    """A receiver of progress reports that shows nothing."""

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, seen: int) -> None:
        """Do nothing."""


class Line:
    """One line on a terminal. It is updated with every report and twice a second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock, self._ended = stream, threading.RLock(), threading.Event()
        self._position, self._hidden = Position(), 0
        self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Show a new stream, or a new total of the current stream."""
        with self._lock:
            self._position = moved(self._position, scope, stream, total)
            self._write()

    def advance(self, seen: int) -> None:
        """Add ``seen`` items and update the line."""
        with self._lock:
            self._position.add(seen)
            self._write()

    @contextmanager
    def hidden(self) -> Generator[None]:
        """Hide the line while the block writes other text."""
        with self._lock:
            self._clear()
            self._hidden += 1
            try:
                yield
            finally:
                self._hidden -= 1
                self._write()

    def start(self) -> None:
        """Show the line, and start the thread that updates it."""
        self._write()
        self._thread.start()

    def stop(self) -> None:
        """Stop the updates and remove the line."""
        self._ended.set()
        self._thread.join()
        self._clear()

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            with self._lock:
                self._write()

    def _write(self) -> None:
        if self._hidden or self._ended.is_set():
            return
        # Leave the last column free, because some terminals wrap there.
        width = shutil.get_terminal_size().columns - 1
        self._put(f"\r\x1b[2K{self._position.line(time.monotonic(), max(20, width))}")

    def _clear(self) -> None:
        if not self._hidden:
            self._put("\r\x1b[2K")

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal was closed; the work continues
            self._ended.set()


class PlainLines:
    """Complete lines, used if ``--progress`` writes to a file: one for each stream, and one every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._position, self._next = stream, Position(), 0.0

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Write a line if a new stream begins."""
        before = self._position
        self._position = moved(before, scope, stream, total)
        if self._position is not before:
            self._write()

    def advance(self, seen: int) -> None:
        """Add ``seen`` items, and write a line if the last line is at least ``PLAIN_EVERY`` seconds old."""
        self._position.add(seen)
        if time.monotonic() >= self._next:
            self._write()

    def _write(self) -> None:
        self._next = time.monotonic() + PLAIN_EVERY
        self._stream.write(f"{self._position.line(time.monotonic(), 200)}\n")
        self._stream.flush()


def moved(position: Position, scope: str, stream: str, total: int | None) -> Position:
    """Return the same position with the new total, or a new position if the report is about another stream."""
    if (position.scope, position.stream) == (scope, stream):
        position.total = total
        return position
    return Position(scope=scope, stream=stream, total=total)


def counted(progress: Progress, scope: str) -> Callable[[int, int | None], None]:
    """Return a function that reports the number of finished chunks and the total number of chunks to ``progress``."""
    before = 0
    progress.expect(scope, "chunks", None)

    def report(done: int, total: int | None) -> None:
        nonlocal before
        progress.expect(scope, "chunks", total)
        progress.advance(done - before)
        before = done

    return report


_lines: list[Line] = []
"""The active progress lines of this process. :func:`hidden` hides only the last line."""


@contextmanager
def hidden() -> Generator[None]:
    """Hide the progress line, if there is one, while the block writes to the terminal."""
    if not _lines:
        yield
        return
    with _lines[-1].hidden():
        yield


@contextmanager
def shown_progress(wanted: bool | None) -> Generator[Progress]:
    """Yield a receiver for progress reports. If ``wanted`` is ``None``, progress is shown only on a terminal."""
    terminal = sys.stderr.isatty()
    if wanted is False or (wanted is None and not terminal):
        yield Silence()
        return
    if not terminal:
        yield PlainLines(sys.stderr)
        return
    line = Line(sys.stderr)
    _lines.append(line)
    line.start()
    try:
        yield line
    finally:
        line.stop()
        _lines.remove(line)


INDEXING = "sync_pinecone"
"""Name of the phase that updates the search index."""
STORE_EVERY = 1.0
"""Minimum seconds between updates of a run's progress in the ledger. The run page reads it only every two seconds."""


class RecordedProgress:
    """Stores the progress of a run in the ledger at most once a second, and passes it on to ``display``.

    Only the thread that opened the run writes to the ledger, and only outside of transactions. Inside a transaction, a
    rollback would undo the progress, and other sessions would see it only after the commit.
    """

    def __init__(self, run: CollectorRun, display: Progress) -> None:
        self._run, self._display, self._thread = run, display, get_ident()
        self._phase, self._position, self._streams = "", Position(), dict[str, int]()
        self._next = 0.0

    def begin(self, phase: str) -> None:
        """Begin a phase of the command."""
        self._phase, self._position, self._next = phase, Position(), 0.0
        self._write()

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Begin a stream of a scope, or change the total of the current stream."""
        before = self._position
        self._position = moved(before, scope, stream, total)
        self._display.expect(scope, stream, total)
        if self._position is not before:  # a changed total is written with the next items
            self._write()

    def advance(self, seen: int) -> None:
        """Count ``seen`` further items of the current stream, and pass them on to ``display``."""
        stream = self._position.stream
        if self._phase != INDEXING:  # chunks of the index do not count as collected items
            self._streams[stream] = self._streams.get(stream, 0) + seen
        self._position.add(seen)
        self._display.advance(seen)
        self._write()

    def _state(self, now: float) -> dict[str, Any]:
        """Return the values for the run page and the health page. ``rate`` is in items per second."""
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
        self._next = now + STORE_EVERY
        CollectorRun.objects.filter(pk=self._run.pk).update(progress=self._state(now), progress_at=timezone.now())
