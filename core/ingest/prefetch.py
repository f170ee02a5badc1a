"""Fetch the next pages in a thread while the previous ones are stored."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Page = TypeVar("Page")


def prefetch(pages: Iterator[Page], *, waiting: int = 1) -> Generator[Page]:
    """Yield the same pages; a thread fetches up to ``waiting`` of them in advance.

    Errors of the source are raised after the pages that precede them. The thread uses no database; its
    log records have the context of the caller.
    """
    for batch in _batches(pages, waiting, most=1):
        yield from batch


def prefetch_batches(pages: Iterator[Page], *, waiting: int) -> Generator[list[Page]]:
    """Like :func:`prefetch`, but yield all waiting pages at once: a source that is faster than the database
    gives larger batches.
    """
    return _batches(pages, waiting, most=waiting)


def _batches(pages: Iterator[Page], waiting: int, most: int) -> Generator[list[Page]]:
    with ThreadPoolExecutor(1, "fetch-ahead") as thread:

        def follow() -> Future[Page | None]:
            return thread.submit(copy_context().run, next, pages, None)

        following = deque(follow() for _ in range(waiting))
        try:
            while (page := following.popleft().result()) is not None:
                following.append(follow())
                batch = [page]
                while len(batch) < most and (more := _ready(following[0])) is not None:
                    following.popleft()
                    following.append(follow())
                    batch.append(more)
                yield batch
        finally:
            for future in following:
                future.cancel()


def _ready(future: Future[Page | None]) -> Page | None:
    """A page that has come; what failed stays where it is until the pages before it are stored."""
    return future.result() if future.done() and future.exception() is None else None
