"""Tests that excerpts contain no Markdown or HTML, wherever the text is cut. Code and plain words must stay."""

import pytest

from core.operations.markdown import without_markup
from core.pages.sentences import sentence_in_thread
from core.search.query.results import BEGIN, END, _fragments, _readable

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ('<img width="3284" alt="The kiosk" src="https://example.org/a-b.png"> is dark', "The kiosk is dark"),
        ("![The kiosk](https://example.org/kiosk_(1).png) is dark", "The kiosk is dark"),
        ("see [the page](https://example.org/a/very/lo", "see the page"),
        ("[![badge](https://example.org/b.svg)](https://example.org) green", "badge green"),
        ("/17179-b644f500.png) is dark", " is dark"),
        ('17179-b644f500.png"> is dark', " is dark"),
        ("<!-- Thank you for the report --> It hangs", " It hangs"),
        ("It hangs <!-- Thank you", "It hangs "),
        ("for the report --> It hangs", " It hangs"),
        ("<details><summary>Log</summary>one</details>", "Logone"),
        ("## Steps\n> quoted\n- [x] done\n**bold** words", "Steps\nquoted\ndone\nbold words"),
        ("```python\nx = 1\n```", "\nx = 1\n"),
        ("**Describe the bug", "Describe the bug"),
        ("the bug**: it hangs", "the bug: it hangs"),
        ("**Steps:** `make` and *then* `run", "Steps: make and then run"),
        ("foo` and `bar", "foo and bar"),
        ("**a `**kw` _two words_ ~~gone~~** end", "a **kw two words gone end"),
        ("run `make <details>` now", "run make <details> now"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "| a | b |\n\n| 1 | 2 |"),
        ("one\n---\ntwo", "one\n\ntwo"),
    ],
)
def test_marks_are_left_out_wherever_a_part_is_cut(part: str, words: str) -> None:
    assert without_markup(part) == words


@pytest.mark.parametrize(
    "part",
    [
        "std::vector<int> x; if (a < b && c > d) x[0](1);",
        "2 ** 8 and __init__.py",
        "f(*args, **kwargs) and {**a, **b}",
        "const char **argv; int *a, *b; /* note */",
        "src/**/*.py and a**b**c",
        "undefined reference to `main' in _start",
        "a ~~ b || c - d --- a/file",
        "see tide(now) and #12.",
        "a [b] (c)",
    ],
)
def test_code_and_plain_words_stay(part: str) -> None:
    assert without_markup(part) == part


def test_marks_around_matches_are_left_out() -> None:
    marked = f"**the {BEGIN}tide{END}** at `{BEGIN}kiosk{END}` … {BEGIN}tide{END}** is `high"
    assert _fragments(_readable(marked)) == [
        ("the ", False), ("tide", True), (" at ", False), ("kiosk", True), (" … ", False), ("tide", True),
        (" is high", False),
    ]  # fmt: skip


def test_a_snippet_has_no_markup_and_its_matches_stay_marked() -> None:
    marked = f"![a](https://example.org/{BEGIN}tide{END}.png) high {BEGIN}tide{END} in {HASH} … <br>{BEGIN}{HASH}{END}"
    assert _fragments(_readable(marked)) == [
        ("a high ", False), ("tide", True), (f" in {HASH[:7]} … ", False), (HASH, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("did", "after", "words"),
    [
        ("commented on", "", "commented"),
        ("added the label import to", "", "added the label import"),
        ("force-pushed to", "from 1 to 2", "force-pushed from 1 to 2"),
        ("mentioned", "in #12 Title", "mentioned this in #12 Title"),
        ("joined the server, in", "", "joined the server"),
        ("opened", "", "opened"),
    ],
)
def test_a_sentence_on_the_page_of_its_thread_does_not_end_in_a_preposition(did: str, after: str, words: str) -> None:
    assert sentence_in_thread(did, after) == words
