"""The next page is fetched while the last one is stored."""

from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Page = TypeVar("Page")
PATIENCE = 0.2
"""Seconds between two looks at whether anybody still wants the page."""


class _End(Exception):
    """The last page has been read."""


def ahead(pages: Iterator[Page]) -> Generator[Page]:
    """The same pages, each fetched in a thread while the one before it is in use; at most one waits.

    What the fetching raises is raised here, after the pages before it. The thread uses no database.
    """
    waiting: Queue[tuple[Page | None, BaseException | None]] = Queue(maxsize=1)
    unwanted = Event()

    def offer(page: Page | None, error: BaseException | None) -> None:
        while not unwanted.is_set():
            try:
                waiting.put((page, error), timeout=PATIENCE)
            except Full:
                continue
            return

    def work() -> None:
        try:
            for page in pages:
                offer(page, None)
                if unwanted.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  (every error belongs to the thread that waits)
            offer(None, error)
        else:
            offer(None, _End())

    thread = Thread(target=work, name="fetch-ahead", daemon=True)
    thread.start()
    try:
        while True:
            page, error = _next(waiting, thread)
            if isinstance(error, _End):
                return
            if error is not None:
                raise error
            assert page is not None  # noqa: S101  (either of them)
            yield page
    finally:
        unwanted.set()
        thread.join()


def _next(
    waiting: "Queue[tuple[Page | None, BaseException | None]]", thread: Thread
) -> tuple[Page | None, BaseException | None]:
    while True:
        try:
            return waiting.get(timeout=PATIENCE)
        except Empty:
            if not thread.is_alive() and waiting.empty():
                raise RuntimeError("the fetching thread ended without a word") from None
