"""Tests of the output and the exit code of ``manage.py search``."""

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.errors import ConfigurationError
from core.management.commands.search import best_lines, wrapped_cells
from tests.support.conversation_fixtures import store_conversations, store_document

pytestmark = pytest.mark.django_db


def said(*args: str) -> str:
    out = StringIO()
    call_command("search", *args, stdout=out)
    return out.getvalue()


def test_an_empty_index_says_how_to_fill_it() -> None:
    with pytest.raises(CommandError, match="sync_index"):
        said("ferry")


def test_results_are_three_lines_that_no_text_can_break() -> None:
    store_conversations()
    lines = said("name of a station").splitlines()
    assert lines[0].startswith("1. Names")
    assert "\u202e" not in lines[0] + lines[2]
    assert "\x02" not in lines[2]


class Terminal(StringIO):
    """An output stream that counts as a terminal, because ``isatty`` returns true."""

    def isatty(self) -> bool:
        return True


LONG = "The **gauge** `reads` too high. " + "word " * 60 + "The ferry leaves when the gauge reads low. " + "more " * 60


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_lines_that_fit_its_width(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    store_document("long", "A title " * 20, LONG)
    out = Terminal()
    call_command("search", "gauge", "--around", "1", stdout=out, force_color=True)
    assert "\x1b[" in out.getvalue()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) < columns
    assert lines[0].startswith("1. A title")
    assert all(line.startswith("   ") for line in lines[1:])
    address = next(number for number, line in enumerate(lines) if "https://example.org/long/0" in line)
    nearby = next(number for number, line in enumerate(lines) if line.startswith("   >"))
    snippet = lines[address + 1 : nearby]
    assert 1 <= len(snippet) <= 3
    assert "gauge" in " ".join(snippet)
    assert "**" not in out.getvalue()
    assert "`" not in out.getvalue()


def test_a_pipe_gets_one_line_for_each_snippet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    store_document("long", "Title", LONG)
    assert len(said("gauge").splitlines()) == 3


def test_wide_characters_and_long_words_are_wrapped_by_columns() -> None:
    assert ["".join(c for c, _ in line) for line in wrapped_cells([("潮位グラフ ab", True)], 6)] == [
        "潮位グ",
        "ラフ",
        "ab",
    ]
    lines = wrapped_cells([("one two three ", False), ("hit", True), (" four five six", False)], 5)
    assert ["".join(c for c, _ in line) for line in best_lines(lines)] == ["… two", "three", "hit …"]


def test_json_is_one_object_with_the_thread_around_a_hit() -> None:
    store_conversations()
    (hit, *_) = json.loads(said("ferry", "noon", "--json", "--around", "1"))["hits"]
    assert (hit["external_id"], hit["scope"], hit["kind"]) == ("boat", "notes/all", "issue")
    assert "[[ferry]]" in hit["snippet"]
    assert [one["ordinal"] for one in hit["around"]] == [0, 1]


def test_nothing_found_is_no_error() -> None:
    store_conversations()
    assert "No results" in said("xylophone")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["ferry", "--scope", "notes/tide"], "Did you mean notes/tides"),
        (["ferry", "--since", "2026-02-01", "--until", "2026-01-01"], "before"),
        ([], "words to search for"),
        (["ferry", "--like", "boat"], "words to search for"),
        (["--like", "nowhere"], "not in the index"),
    ],
)
def test_wrong_usage_says_what_is_wrong(options: list[str], words: str) -> None:
    store_conversations()
    with pytest.raises(ConfigurationError, match=words):
        said(*options)


@pytest.mark.parametrize("options", [["--limit", "0"], ["--limit", "many"], ["--since", "yesterday"], ["--mode", "x"]])
def test_options_that_cannot_be_read_are_refused(options: list[str]) -> None:
    with pytest.raises(CommandError, match=options[0]):
        said("ferry", *options)
