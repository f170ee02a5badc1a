"""The next page is fetched while the last one is stored."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Page = TypeVar("Page")


def ahead(pages: Iterator[Page]) -> Generator[Page]:
    """The same pages, each fetched in a thread while the one before it is in use; at most one waits.

    What the fetching raises is raised here, after the pages before it. The thread uses no database; its
    log records carry the fields of the caller's.
    """
    with ThreadPoolExecutor(1, "fetch-ahead") as thread:
        following = thread.submit(copy_context().run, next, pages, None)
        while (page := following.result()) is not None:
            following = thread.submit(copy_context().run, next, pages, None)
            yield page
