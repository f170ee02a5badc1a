"""Tests of the output and the exit code of ``manage.py search``."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.errors import ConfigurationError
from tests.support.conversation_fixtures import store_conversations

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
