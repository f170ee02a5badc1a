"""Tests of each operator in the library, in the command and on the page."""

import json
import random
import re
from datetime import date
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.pages.search import OPERATORS
from core.search.filters import Filters
from core.search.query.language import parse
from core.search.query.search import answer, search
from core.search.query.text import refresh_common_words
from tests.support.query_fixtures import QUERIES, rendered, store, store_ferries

pytestmark = pytest.mark.django_db


@pytest.fixture
def _ferries() -> None:
    store_ferries()


@pytest.fixture
def staff(client: Client) -> Client:
    user: Any = get_user_model().objects.create_superuser("operator")  # pyright: ignore[reportAttributeAccessIssue]
    client.force_login(user)
    return client


def found(query: str, **options: Any) -> list[str]:
    return [result.external_id for result in search(query, mode="text", **options)]


def page(staff: Client, q: str, **parameters: object) -> str:
    response = staff.get("/admin/search/", {"mode": "text", "q": q, **parameters})
    assert response.status_code == 200
    return response.content.decode()


def on_page(html: str) -> list[str]:
    return re.findall(r'href="\?like=([^"&]+)"', html)


def printed(query: str) -> dict[str, Any]:
    out = StringIO()
    call_command("search", "--mode", "text", "--json", "--", query, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.usefixtures("_ferries")
@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_an_operator_means_the_same_everywhere(staff: Client, query: str, expected: set[str]) -> None:
    assert set(found(query)) == expected
    assert {hit["external_id"] for hit in printed(query)["hits"]} == expected
    assert set(on_page(page(staff, query))) == expected


@pytest.mark.usefixtures("_ferries")
def test_the_passage_of_the_author_is_shown() -> None:
    by_id = {result.external_id: result for result in search("slow ferry author:ada", mode="text")}
    assert (by_id["boat"].ordinal, by_id["crash"].ordinal) == (1, 0)
    (result,) = search("slow late ferry author:bea repo:tides", mode="text")
    assert result.ordinal == 0
    (result,) = search('ferry "not quite right"', mode="text")
    assert result.ordinal == 1


@pytest.mark.usefixtures("_ferries")
def test_results_and_lists_are_sorted_by_the_time_of_the_passage() -> None:
    oldest = ["chat", "fastest", "boat", "crash", "night"]
    assert found("ferry sort:oldest") == oldest
    assert found("ferry sort:newest") == oldest[::-1]
    assert found("source:github sort:oldest") == oldest[1:]
    assert found("source:github") == found("source:github sort:newest") == oldest[:0:-1]
    assert found("author:bea") == ["boat", "fastest", "chat"]
    assert found("sort:oldest") == oldest


@pytest.mark.usefixtures("_ferries")
def test_only_relevant_results_are_sorted_by_time() -> None:
    newer = rendered("newer", "Noon", "issue", ("ada", "2026-05-20", "issue", "The clock strikes noon."))
    store("github", "notes/all", newer)
    assert found("ferry leaves harbour noon sort:newest") == ["boat"]
    assert found("noon sort:newest") == ["newer", "boat"]


@pytest.mark.usefixtures("_ferries")
def test_operators_and_form_fields_are_combined(staff: Client) -> None:
    assert on_page(page(staff, "ferry author:bea", source="discord")) == ["chat"]
    assert on_page(page(staff, "ferry type:comment", kind="issue")) == ["boat"]
    assert on_page(page(staff, "ferry source:discord", source="github")) == []
    assert found("ferry after:2024", filters=Filters(kind="issue")) == ["boat"]


@pytest.mark.usefixtures("_ferries")
def test_a_problem_is_shown_and_the_other_words_are_searched(staff: Client) -> None:
    html = page(staff, "ferry before:soon")
    assert "&quot;before:soon&quot; is no date. Write 2024" in html
    assert len(on_page(html)) == 5
    assert "is no date" in printed("ferry before:soon")["problems"][0]
    assert "No author is called &#x27;beaa&#x27;. Did you mean Bea, " in page(staff, "ferry author:beaa")
    for name in ("source:githup", "type:isue", "repo:notes/tide", "label:bugs", "author:cy-22"):
        (problem,) = answer(f"ferry {name}").problems
        assert "Did you mean" in problem
    assert answer("ferry author:bea label:ui is:open").problems == ()


@pytest.mark.usefixtures("_ferries")
def test_a_phrase_without_letters_or_of_common_words_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no letter or digit" in answer('ferry "->"').problems[0]
    assert answer('"the ferry"').problems == ()
    monkeypatch.setattr("core.search.query.unknown_values.MOST_PHRASE_CANDIDATES", 2)
    assert "Add a rarer word" in answer('"the ferry"', mode="text").problems[0]


@pytest.mark.usefixtures("_ferries")
def test_operators_need_a_fixed_number_of_statements(staff: Client) -> None:
    with CaptureQueriesContext(connection) as plain:
        page(staff, "ferry")
    with CaptureQueriesContext(connection) as with_operators:
        page(staff, "ferry author:bea is:open -night repo:tides after:2020 type:issue")
    assert len(with_operators) == len(plain) + 1  # the passages of the author
    with CaptureQueriesContext(connection) as misspelt:
        page(staff, "ferry harbuor")
    assert len(misspelt) <= len(plain) + 2  # the vocabulary, which stays in memory


@pytest.mark.usefixtures("_ferries")
@pytest.mark.parametrize(
    ("words", "correction"),
    [
        ("harbuor", "harbour"),
        ("hrabour", "harbour"),
        ("warnign", "warning"),
        ("timetabel", "timetable"),
        ("genral", "general"),
    ],
)
def test_a_word_that_occurs_nowhere_is_corrected(staff: Client, words: str, correction: str) -> None:
    assert answer(words).corrections == {words: correction}
    html = page(staff, f"{words}")
    assert f"Also searched for: <bdi>{correction}</bdi>" in html
    assert printed(words)["corrections"] == {words: correction}
    if correction != "general":  # no text contains the name of the channel
        assert found(words) == found(correction) != []


@pytest.mark.usefixtures("_ferries")
@pytest.mark.parametrize(
    "words",
    [
        "ferries",
        "timetables",
        "the",
        "whose",
        "fzqx",
        "nooon1",
        "harbuor.cpp",
        "is:harbuor",
        "潮位位位位",
        "xylophone",
        "eli",
    ],
)
def test_other_words_are_not_corrected(words: str) -> None:
    assert answer(words).corrections == {}


@pytest.mark.usefixtures("_ferries")
def test_a_new_word_is_known_after_the_next_sync() -> None:
    assert answer("lighthuose").corrections == {}
    store(
        "github", "notes/all", rendered("light", "A lighthouse", "issue", ("ada", "2026-01-01", "issue", "lighthouse"))
    )
    refresh_common_words(force=True)
    assert answer("lighthuose").corrections == {"lighthuose": "lighthouse"}


@pytest.mark.usefixtures("_ferries")
def test_the_number_of_results_and_their_distribution(staff: Client) -> None:
    counts = printed("ferry")["distribution"]
    assert counts["total"] == 5
    assert counts["sources"] == {"github": 4, "discord": 1}
    assert counts["years"] == {"2026": 1, "2025": 1, "2024": 1, "2023": 1, "2022": 1}
    html = page(staff, "ferry", author="bea")
    assert "3 results" in html
    (link,) = re.findall(r'href="\?([^"]*kind=issue)"', html)
    assert on_page(page(staff, **dict(parse_qsl(link.replace("&amp;", "&"))))) == ["boat"]
    (link,) = re.findall(r'href="\?([^"]*since=2024-01-01[^"]*)"', html)
    assert on_page(page(staff, **dict(parse_qsl(link.replace("&amp;", "&"))))) == ["boat"]


def test_a_cut_ranking_says_so_and_no_page_repeats_a_result(staff: Client) -> None:
    for n in range(230):
        document = rendered(f"tide{n}", "Tide", "issue", ("ada", "2026-01-01", "issue", "spring tide"))
        store("github", "notes/all", document)
    refresh_common_words(force=True)
    for query, total in (("spring tide", 100), ("label:x", 0), ("type:issue", 200), ("tide sort:oldest", 100)):
        assert (f"{total}+ results" in page(staff, query)) is bool(total)
        results = [name for start in range(0, 300, 100) for name in found(query, limit=100, offset=start)]
        assert len(results) == len(set(results)) == total
    assert set(on_page(page(staff, "spring tide"))).isdisjoint(on_page(page(staff, "spring tide", page=2)))


@pytest.mark.usefixtures("_ferries")
def test_the_page_explains_the_operators(staff: Client) -> None:
    html = page(staff, "")
    assert all(
        f"{name}:" in html for name in ("author", "repo", "label", "is", "type", "source", "after", "before", "sort")
    )


def test_every_example_of_the_page_is_an_operator() -> None:
    for example, _ in OPERATORS:
        parsed = parse(example, date(2026, 5, 20))
        assert (parsed.words, parsed.problems) == ("", ())


def fuzzed(seed: int) -> str:
    """Return a random query with operators, words and characters that must not have an effect."""
    pieces = [query for query, _ in QUERIES] + HOSTILE
    chosen = random.Random(seed)
    parts = chosen.choices(pieces, k=chosen.randint(1, 6))
    return chosen.choice(["", " ", "-", '"', ":"]).join(part[chosen.randint(0, 3) :] for part in parts)


HOSTILE = [
    "\0", "\ud800", "%", "%s", "_", "\\", "'", '"', "''", ";--", "$1", "\x02", "\u202e", "潮", '"%_\\"',
    '"$^.*+?()[]{}|"', '"a*"', '-"("', 'label:"\\"', "author:%", "repo:_", "author:\0", 'type:"\ud800"', "x" * 300,
    '"' + "y" * 300 + '"', "é" * 260, '"é"', '"\u0301"', '"\x7f a"', "-ß", "is:open", "after:today", "sort:oldest",
    "before:0001-01-01", "after:9999-12-31",
]  # fmt: skip


@pytest.mark.usefixtures("_ferries")
@pytest.mark.parametrize(
    "text", [*HOSTILE, "x" * 10_000, '"' * 10_000, "-a " * 4000, '"a b" ' * 2000, "label:a " * 1200]
)
def test_hostile_text_is_a_valid_query(staff: Client, text: str) -> None:
    for query in (text, f"ferry {text}"):
        assert isinstance(found(query), list)
    page(staff, text.encode(errors="replace").decode())


def check_fuzzed(numbers: range) -> None:
    for seed in numbers:
        query = fuzzed(seed)
        result = answer(query, mode="text")
        assert len(result.results) <= 10, query
        assert all(isinstance(problem, str) and problem.endswith((".", "?")) for problem in result.problems), query


@pytest.mark.usefixtures("_ferries")
def test_random_queries_never_fail() -> None:
    check_fuzzed(range(300))


@pytest.mark.slow
@pytest.mark.usefixtures("_ferries")
def test_ten_thousand_random_queries_never_fail() -> None:
    check_fuzzed(range(300, 10_300))
