"""Tests of functions that format numbers with words: singular and plural, counts, sizes and durations."""

import pytest

from core.operations.output import counted_words, duration_in_words, number_of, size_in_words, stored_in_words
from core.search.sync import SyncResult


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (1, "request", "1 request"), (0, "request", "0 requests"), (12_345, "chunk", "12,345 chunks"),
        (2, "activity", "2 activities"), (1, "activity", "1 activity"), (3, "day", "3 days"),
    ],
)  # fmt: skip
def test_a_noun_follows_its_number(count: int, noun: str, words: str) -> None:
    assert number_of(count, noun) == words


def test_counts_are_a_list_with_singular_plural_and_details() -> None:
    counts = {"issues": 1, "issues_inserted": 1, "issue_comments": 2_345, "labels": 0, "issue_comments_updated": 3}
    assert counted_words(counts) == "1 issue (1 new), 2,345 issue comments (3 updated)"
    assert counted_words({"messages_malformed": 1, "repositories": 1}) == "1 malformed message, 1 repository"
    assert counted_words({"issues_deleted": 2}) == "2 deleted issues"


def test_an_interrupted_run_says_what_it_stored() -> None:
    assert stored_in_words({"messages": 1}) == "stored so far: 1 message"
    assert stored_in_words({}) == "nothing has been stored yet"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.84, "0.8 s"), (59.4, "59 s"), (185, "3 min 05 s"), (7_620, "2 h 07 min")]
)
def test_a_duration_is_short(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words


@pytest.mark.parametrize(("size", "words"), [(1, "1 byte"), (1_540, "1.5 kB"), (4_200_000, "4.2 MB")])
def test_a_size_has_its_unit(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_a_sync_beside_another_names_it() -> None:
    beside = SyncResult(held=3, remaining=3, holder="collect_github (process 7 on host)")
    assert (
        beside.in_words() == "collect_github (process 7 on host) is indexing 3 documents; this run had nothing to index"
    )
    partly = SyncResult(documents=1, chunks_embedded=1, held=2, remaining=2, holder="sync_index (process 8 on host)")
    assert "2 documents still to index (sync_index (process 8 on host) works on 2)" in partly.in_words()
    assert SyncResult().in_words() == "up to date, nothing new"
