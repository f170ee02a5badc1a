"""Tests of the nearest words of a list, compared with the definition of the distance."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.query.edit_distance import LETTERS_FOR_TWO, WordList

WORDS = st.text(st.sampled_from("abcdé潮🙂"), min_size=1, max_size=10)


def distance(first: str, second: str) -> int:
    """Return the optimal string alignment distance of two words."""
    rows = [list(range(len(second) + 1))]
    for i, letter in enumerate(first, start=1):
        row = [i]
        for j, other in enumerate(second, start=1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other)))
            if i > 1 and j > 1 and (letter, first[i - 2]) == (second[j - 2], other):
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("harbuor", "harbour"), ("harbor", "harbour"), ("harbourr", "harbour"), ("harboor", "harbour"), ("hrbor", None),
        ("timetible", "timetable"), ("tiemtabel", "timetable"), ("tide", "tide"), ("wide", "tide"), ("", None),
        ("x" * 41, None),
    ],
)  # fmt: skip
def test_the_nearest_word_is_within_one_or_two_edits(typed: str, nearest: str | None) -> None:
    assert WordList(["harbour", "timetable", "tide", "boat"], [1, 1, 1, 1]).nearest(typed) == nearest


def test_the_same_first_letter_and_then_the_number_of_uses_decide() -> None:
    words = WordList(["mast", "cast", "past", "cash"], [9, 1, 9, 5])
    assert words.nearest("cast") == "cast"
    assert words.nearest("casx") == "cash"
    assert words.nearest("bast") in {"mast", "past"}


@given(st.lists(WORDS, unique=True, max_size=30), WORDS)
def test_no_other_word_is_nearer(words: list[str], typed: str) -> None:
    nearest = WordList(words, [1.0] * len(words)).nearest(typed)
    limit = 2 if len(typed) >= LETTERS_FOR_TWO else 1
    near = [distance(typed, word) for word in words if "🙂" not in typed + word and distance(typed, word) <= limit]
    if "🙂" not in typed + "".join(words):
        assert (distance(typed, nearest) if nearest else None) == min(near, default=None)


def test_an_empty_list_has_no_nearest_word() -> None:
    assert WordList([], []).nearest("harbour") is None


def test_a_hundred_thousand_words_need_five_megabytes() -> None:
    letters = string.ascii_lowercase
    words = [
        f"{letters[n % 26]}{letters[n // 26 % 26]}{letters[n // 676 % 26]}{letters[n // 17576]}word"
        for n in range(100_000)
    ]
    stored = WordList(words, [1.0] * len(words))
    assert len(stored) == 100_000
    assert stored.size < 5_000_000
    assert stored.nearest("aaaawrod") == "aaaaword"
