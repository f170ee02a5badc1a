"""Fetches and converts the next pages in a thread while the caller stores the previous pages."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Page = TypeVar("Page")


def prefetch(pages: Iterator[Page], *, waiting: int = 1) -> Generator[Page]:
    """Yield the pages in their order while a thread fetches up to ``waiting`` pages in advance.

    An error of the source is raised after all pages before the error. ``pages`` must not use the database, because it
    runs in the thread. Log records of the thread have the context of the caller.
    """
    for batch in _batches(pages, waiting, most=1):
        yield from batch


def prefetch_batches(pages: Iterator[Page], *, waiting: int) -> Generator[list[Page]]:
    """Yield lists of pages: each list contains all pages that have arrived, at most ``waiting``.

    Works like :func:`prefetch`. The faster the source is than the database, the larger the batches are.
    """
    return _batches(pages, waiting, most=waiting)


def _batches(pages: Iterator[Page], waiting: int, most: int) -> Generator[list[Page]]:
    with ThreadPoolExecutor(1, "fetch-ahead") as thread:

        def fetch_next() -> Future[Page | None]:
            return thread.submit(copy_context().run, next, pages, None)

        pending = deque(fetch_next() for _ in range(waiting))
        try:
            while (page := pending.popleft().result()) is not None:
                pending.append(fetch_next())
                batch = [page]
                while len(batch) < most and (more := _ready(pending[0])) is not None:
                    pending.popleft()
                    pending.append(fetch_next())
                    batch.append(more)
                yield batch
        finally:
            for future in pending:
                future.cancel()


def _ready(future: Future[Page | None]) -> Page | None:
    """Return the page if it has arrived, else ``None``.

    The error of a failed future is raised later, after the pages before it.
    """
    return future.result() if future.done() and future.exception() is None else None
