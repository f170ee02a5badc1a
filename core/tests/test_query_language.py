"""Tests of the query language: phrases, excluded words and operators in any text."""

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.search.filters import Requirement
from core.search.query.language import BEFORE_DAY, FROM_DAY, OPERATORS, STATES, parse

TODAY = date(2026, 5, 20)  # a Wednesday
NAMES = [*OPERATORS, *FROM_DAY, *BEFORE_DAY, "sort"]


def requirement(name: str, *values: str, excluded: bool = False) -> Requirement:
    return Requirement(name=name, values=values, excluded=excluded)  # pyright: ignore[reportArgumentType]  # as the test writes it


def midnight(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "when does the ferry leave", "std::string", "http://example.org/a?b=c", "foo:bar", "10:30",
        "rm --force", "-1", "well-known", "sea - land", 'an unclosed "quote', "it's", "C:\\windows", "a -- b", "– dash",
        "label::bug", "24\" pipe", "x=-1", "#1234", "source://tree", "100%", "", "  ", "::", '""',
    ],
)  # fmt: skip
def test_text_without_operators_is_plain_words(text: str) -> None:
    parsed = parse(text, TODAY)
    assert parsed.words == " ".join(text.replace('""', "").split())
    assert (parsed.phrases, parsed.without, parsed.filters.requirements, parsed.problems) == ((), (), (), ())


@pytest.mark.parametrize("quoted", ['"low  tide"', "“low tide”", "„low tide“", '“low tide"', '("low tide")'])
def test_quotes_enclose_a_phrase(quoted: str) -> None:
    parsed = parse(f"the {quoted} line", TODAY)
    assert parsed.phrases == ("low tide",)
    assert parsed.filters.requirements == (requirement("phrase", "low tide"),)
    assert "low tide" in parsed.plain_text
    assert "low tide" not in parsed.words


def test_a_minus_excludes_words_phrases_and_operators() -> None:
    parsed = parse('tide -spring -"high water" -label:bug -author:Bea', TODAY)
    assert (parsed.words, parsed.without) == ("tide", ("spring", "high water"))
    assert set(parsed.filters.requirements) == {
        requirement("label", "bug", excluded=True), requirement("author", "Bea", excluded=True),
        requirement("word", "spring", excluded=True), requirement("phrase", "high water", excluded=True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("author:Bea", requirement("author", "Bea")),
        ("AUTHOR:@Bea,", requirement("author", "Bea")),
        ('author:"Bea Ng"', requirement("author", "Bea Ng")),
        ("author:bea author:ada", requirement("author", "bea", "ada")),
        ("repo:notes/tides", requirement("scope", "notes/tides")),
        ("channel:#general", requirement("scope", "general")),
        ("label:“good first issue”", requirement("label", "good first issue")),
        ("is:OPEN", requirement("state", "open")),
        ("is:open is:merged", requirement("state", "open", "merged")),
        ("is:unanswered", requirement("answered", "unanswered")),
        ("-is:closed", requirement("state", "closed", excluded=True)),
        ("type:pr", requirement("type", "pull_request")),
        ("type:Pull-Request", requirement("type", "pull_request")),
        ('type:"review comment"', requirement("type", "review_comment")),
        ("source:GitHub", requirement("source", "github")),
    ],
)
def test_an_operator_becomes_a_requirement(text: str, expected: Requirement) -> None:
    parsed = parse(f"tide {text}", TODAY)
    assert (parsed.words, parsed.filters.requirements, parsed.problems) == ("tide", (expected,), ())


def test_every_label_is_required() -> None:
    labels = parse("label:bug label:ui", TODAY).filters.requirements
    assert labels == (requirement("label", "bug"), requirement("label", "ui"))


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024", midnight(2024)), ("2024-05", midnight(2024, 5)), ("2024-05-31", midnight(2024, 5, 31)),
        ("today", midnight(2026, 5, 20)), ("yesterday", midnight(2026, 5, 19)), ("last-week", midnight(2026, 5, 11)),
        ('"last week"', midnight(2026, 5, 11)), ("this-month", midnight(2026, 5)), ("last-month", midnight(2026, 4)),
        ("last-year", midnight(2025)), ('"3 days ago"', midnight(2026, 5, 17)), ("30d", midnight(2026, 4, 20)),
        ("2w", midnight(2026, 5, 6)), ("3m", midnight(2026, 2, 20)), ("1y", midnight(2025, 5, 20)),
    ],
)  # fmt: skip
def test_a_day_is_a_date_or_relative_to_today(value: str, day: datetime) -> None:
    for name in FROM_DAY:
        assert parse(f"{name}:{value}", TODAY).filters.since == day
    for name in BEFORE_DAY:
        assert parse(f"{name}:{value}", TODAY).filters.until == day
    assert parse(f"-after:{value}", TODAY).filters.until == day


def test_the_narrowest_dates_are_used() -> None:
    filters = parse("after:2020 after:2022 before:2025 before:2024", TODAY).filters
    assert (filters.since, filters.until) == (midnight(2022), midnight(2024))


def test_a_month_ago_is_a_day_of_that_month() -> None:
    assert parse("after:1m", date(2026, 3, 31)).filters.since == midnight(2026, 2, 28)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("after:soon", "2024-05-31"), ("before:2024-13", "no date"), ("after:99999y", "no date"),
        ("after:0000", "date"),
        ("is:wet", "unanswered"), ("sort:size", "sort:newest"), ("-sort:newest", "sort:newest"), ("author:", "value"),
        ('label:"bug', "quotes"), ("author:@", "name"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_plain_words_and_a_problem(text: str, problem: str) -> None:
    parsed = parse(f"tide {text}", TODAY)
    assert parsed.words == f"tide {text}"
    (message,) = parsed.problems
    assert problem in message
    assert message.endswith(".")


def test_the_last_sort_wins() -> None:
    assert parse("tide sort:newest sort:oldest", TODAY).sort == "oldest"
    assert parse("tide", TODAY).sort == "relevance"


def test_the_number_of_operators_is_limited() -> None:
    text = " ".join(f'"a{n}" -b{n} label:c{n} after:bad{n}' for n in range(100))
    parsed = parse(text, TODAY)
    assert (len(parsed.phrases), len(parsed.without), len(parsed.problems)) == (8, 32, 5)
    assert sum(r.name == "label" for r in parsed.filters.requirements) == 32


PIECES = st.one_of(
    st.sampled_from(
        ['"', "“", "-", ":", " ", "\0", "\ud800", "\\", "%", "'", "(", "潮位", "-a", "2024", "30d", "last week"]
    ),
    st.sampled_from([f"{sign}{name}:" for name in NAMES for sign in ("", "-")]),
    st.sampled_from([f"is:{state}" for state in STATES]),
    st.text(max_size=6),
)


@given(st.lists(PIECES, max_size=40).map("".join), st.dates())
@example("before:1d -sort: after:last-week", date.min)
def test_any_text_is_valid(text: str, today: date) -> None:
    parsed = parse(text, today)
    assert len(parsed.problems) <= 5
    assert parse(text, today) == parsed
    assert all(values.values for values in parsed.filters.requirements)


@given(st.lists(st.text(st.characters(categories=["Ll", "Lu"]), min_size=1), min_size=1))
def test_words_of_letters_stay_unchanged(words: list[str]) -> None:
    assert parse(" ".join(words), TODAY).words == " ".join(words)


@pytest.mark.parametrize(
    "piece", ['"', 'a:"', '-"', "(", '("', "author:", "-", "a", 'label:"x', '"a" ', "-a ", "is:x ", "\u201c", "after:"]
)
def test_the_time_is_linear(piece: str) -> None:
    times: list[float] = []
    for length in (10_000, 40_000):
        began = time.process_time()
        parse(piece * (length // len(piece)), TODAY)
        times.append(time.process_time() - began)
    assert times[1] < 12 * times[0] + 0.05
