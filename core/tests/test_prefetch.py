"""Tests that prefetched pages arrive in order, and that no page is lost before an error."""

import time
from collections.abc import Iterator

import pytest

from core.ingest.prefetch import prefetch, prefetch_batches


def pages(number: int) -> Iterator[int]:
    yield from range(number)
    raise OSError("the source is gone")


def test_pages_come_in_their_order_and_the_error_behind_them() -> None:
    found: list[int] = []
    with pytest.raises(OSError, match="gone"):
        found.extend(prefetch(pages(9), waiting=3))
    assert found == list(range(9))


def slowly(batches: Iterator[list[int]], found: list[list[int]]) -> None:
    """Append each batch to ``found`` after a pause, so that the source produces pages faster than they are taken."""
    for batch in batches:
        time.sleep(0.02)
        found.append(batch)


def test_what_waits_comes_together_and_the_error_behind_it() -> None:
    found: list[list[int]] = []
    with pytest.raises(OSError, match="gone"):
        slowly(prefetch_batches(pages(9), waiting=4), found)
    assert [page for batch in found for page in batch] == list(range(9))
    assert max(map(len, found)) == 4
