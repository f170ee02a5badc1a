"""Tests that excerpts contain no Markdown or HTML, wherever the text is cut. Code and plain words must stay."""

import pytest

from core.operations.markdown import without_markup
from core.pages.sentences import sentence_in_thread
from core.search.query.passages import BEGIN, END, best_sentences, plain_text, short_hashes, whole_words
from core.search.query.results import _fragments

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


def test_a_passage_has_no_markup_no_addresses_of_images_and_no_marks_of_its_own() -> None:
    text = f"**the {BEGIN}tide{END}** at\n\n  `kiosk`\n![a](https://example.org/tide.png)"
    assert plain_text(text) == "the tide at\nkiosk\na"


def test_matches_and_the_text_between_them_are_told_apart() -> None:
    assert _fragments(f"the {BEGIN}tide{END} is\nhigh") == [("the ", False), ("tide", True), (" is high", False)]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("num_<tides> rise", "<num_tides> rise"),
        ("<tide>_<table>s", "<tide_tables>"),
        ("the <tide>-table", "the <tide>-table"),
        ("no match", "no match"),
    ],
)
def test_whole_words_are_marked(marked: str, expected: str) -> None:
    assert shown(whole_words(hidden(marked))) == expected


def test_a_hash_is_shortened_unless_it_is_a_match() -> None:
    assert shown(short_hashes(hidden(f"in {HASH} and <{HASH}>"))) == f"in {HASH[:7]} and <{HASH}>"


LONG = "Nothing to see in this sentence about boats and other things that float. " * 4


def test_the_shown_sentences_contain_the_most_matches() -> None:
    text = f"{LONG}The <tide> was late. The <gauge> was early. {LONG}"
    excerpt = shown(best_sentences(hidden(text)))
    assert "The <tide> was late. The <gauge> was early." in excerpt
    assert len(excerpt) < 310


def test_a_long_sentence_is_cut_between_words_around_its_first_match() -> None:
    excerpt = shown(best_sentences(hidden(f"{'word ' * 100}<tide> {'more ' * 100}")))
    assert excerpt.startswith("… word ")
    assert excerpt.endswith(" more …")
    assert "<tide>" in excerpt
    assert len(excerpt) < 310


def test_a_passage_without_matches_begins_with_its_first_sentence() -> None:
    assert best_sentences("One.\nTwo.\n\nThree.") == "One. Two. Three."
    assert best_sentences("") == ""
    assert len(best_sentences("x" * 5000)) < 700


def hidden(text: str) -> str:
    """Return a text with the characters that enclose a match in place of < and >."""
    return text.replace("<", BEGIN).replace(">", END)


def shown(text: str) -> str:
    return text.replace(BEGIN, "<").replace(END, ">")


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
