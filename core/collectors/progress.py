"""Progress of long work: a bar with the time left on a terminal, nothing under cron (where log lines tell)."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """What collectors tell while they work."""

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """A stream of a scope begins; ``total`` items are expected, ``None``: nobody knows."""
        ...

    def advance(self, seen: int) -> None:
        """So many more items were seen."""
        ...


class Silence:
    """Shows nothing."""

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, seen: int) -> None:
        """Nothing."""


class Bar:
    """One bar for the stream that is being read, on standard error."""

    def __init__(self, bar: "object") -> None:
        from rich.progress import Progress as RichProgress

        assert isinstance(bar, RichProgress)  # noqa: S101  (the type is imported only where it is needed)
        self._bar = bar
        self._task = bar.add_task("starting", total=None)

    def expect(self, scope: str, stream: str, total: int | None) -> None:
        """Begin a new bar in the place of the last."""
        self._bar.reset(self._task, total=total or None, description=f"{scope}  {stream.replace('_', ' ')}")

    def advance(self, seen: int) -> None:
        """Move it."""
        self._bar.advance(self._task, seen)


def counted(progress: Progress, what: str) -> Callable[[int, int], None]:
    """For work that tells how many it has done, of how many: one bar, with the time left."""
    before = 0

    def tell(done: int, total: int) -> None:
        nonlocal before
        if not before:
            progress.expect(what, "documents", total)
        progress.advance(done - before)
        before = done

    return tell


@contextmanager
def shown_progress(wanted: bool | None) -> Generator[Progress]:
    """A progress to tell; ``wanted`` None means: on a terminal."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
