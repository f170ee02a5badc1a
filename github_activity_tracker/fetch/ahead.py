"""The next page is fetched while the last one is stored."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Page = TypeVar("Page")


def ahead(pages: Iterator[Page], *, waiting: int = 1) -> Generator[Page]:
    """The same pages, each fetched in a thread while those before it are in use; so many wait at most.

    What the fetching raises is raised here, after the pages before it. The thread uses no database; its
    log records carry the fields of the caller's.
    """
    with ThreadPoolExecutor(1, "fetch-ahead") as thread:
        following = deque(thread.submit(copy_context().run, next, pages, None) for _ in range(waiting))
        try:
            while (page := following.popleft().result()) is not None:
                following.append(thread.submit(copy_context().run, next, pages, None))
                yield page
        finally:
            for future in following:
                future.cancel()
