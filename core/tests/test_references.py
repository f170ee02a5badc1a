"""Tests of recognising references in a query."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.query.exact import references_in
from core.search.query.references import (
    MAX_REFERENCES,
    ReferencePattern,
    Strength,
    recognise,
    without_references,
)

TICKET = ReferencePattern(kind="ticket", pattern=re.compile(r"ticket (?P<number>[0-9]{1,9})"), strength=Strength.ITEM)
HASH = "0123456789abcdef0123456789abcdef01234567"


def recognised(text: str) -> list[tuple[str, str]]:
    return [(reference.kind, reference.text) for reference in recognise(text)]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("(see https://example.org/a/b?c=1#d).", "address", "https://example.org/a/b?c=1#d"),
        ("example.org/notes/7, please", "address", "example.org/notes/7"),
        (f"commit {HASH}", "hash", HASH),
        ("what broke in 0123abc?", "hash", "0123abc"),
        ("a" * 64, "hash", "a" * 64),
        ("1234567", "hash", "1234567"),
        ("src/qt/guiutil.cpp:120 crashes", "path", "src/qt/guiutil.cpp"),
        ("guiutil.cpp", "path", "guiutil.cpp"),
        ("./build/out/gauge", "path", "build/out/gauge"),
        ("v1.2.0", "version", "v1.2.0"),
        ("since 1.2.0rc1.", "version", "1.2.0rc1"),
        ("version 1.2", "version", "1.2"),
        ("27.0", "version", "27.0"),
        ("release/1.2", "name", "release/1.2"),
        ("branch tides-2", "name", "tides-2"),
        ("parse_header fails", "symbol", "parse_header"),
        ("TideGauge", "symbol", "TideGauge"),
        ("gauge.reading.level()", "symbol", "gauge.reading.level"),
        ("Gauge::read", "symbol", "Gauge::read"),
        ("read()", "symbol", "read("),
        ("--with-something", "flag", "--with-something"),
        ("use -gauge=1", "flag", "-gauge=1"),
        ("ABC-1234", "identifier", "ABC-1234"),
        ("CVE-2024-12345", "identifier", "CVE-2024-12345"),
        ("draft-tide-gauge-03", "identifier", "draft-tide-gauge-03"),
        ("RFC 9180", "standard", "RFC 9180"),
        ("rfc9180", "standard", "rfc9180"),
        ("what did @ada-quay say", "person", "ada-quay"),
    ],
)
def test_a_reference_is_recognised_without_the_text_around_it(text: str, kind: str, expected: str) -> None:
    assert recognised(text) == [(kind, expected)]


@pytest.mark.parametrize(
    "text",
    [
        "fails after 20 minutes", "top 10 list", "version 2 of the draft", "the ferry leaves at noon",
        "in 1 of 3 cases",
        "ada@example.org", "3.5 metres", "x = 4", "- a list item", "",
    ],
)  # fmt: skip
def test_words_and_plain_numbers_are_no_references(text: str) -> None:
    assert references_in(text) == []


def test_a_part_of_a_longer_reference_is_ignored() -> None:
    assert recognised("https://example.org/src/main.cpp?v=1.2.0@0123abc") == [
        ("address", "https://example.org/src/main.cpp?v=1.2.0@0123abc")
    ]


def test_the_strongest_references_come_first_and_their_number_is_limited() -> None:
    assert recognised("@ada parse_header in main.cpp of 0123abc") == [
        ("hash", "0123abc"), ("path", "main.cpp"), ("symbol", "parse_header"), ("person", "ada"),
    ]  # fmt: skip
    many = recognise(" ".join(f"name_{n}" for n in range(50)) + " 0123abc")
    assert (len(many), many[0].kind) == (MAX_REFERENCES, "hash")


def test_patterns_of_a_tracker_are_used_beside_the_generic_patterns() -> None:
    (reference,) = recognise("what about ticket 12?", [("desk", TICKET)])
    assert (reference.source, reference.kind, reference.parts["number"]) == ("desk", "ticket", "12")


def test_the_other_words_are_what_remains() -> None:
    text = "why does parse_header of main.cpp crash"
    assert without_references(text, recognise(text)) == "why does of crash"


FRAGMENTS = st.sampled_from(
    [
        "a/",
        "_a",
        "a.b.",
        "https://",
        "+",
        "1.",
        "-a",
        "@a",
        "#1 ",
        "aB",
        "::",
        "/",
        ".",
        "draft-",
        "RFC ",
        "x",
        " ",
        "0f",
    ]
)


@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=400).map("".join)))
def test_any_text_is_recognised_within_its_bounds(text: str) -> None:
    references = references_in(text)
    assert len(references) <= MAX_REFERENCES
    for reference in references:
        assert 0 <= reference.start < reference.end <= len(text)
        assert reference.text in text[reference.start : reference.end]
    spans = sorted({(reference.start, reference.end) for reference in references})
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    without_references(text, references)


@given(st.lists(FRAGMENTS, min_size=1, max_size=3).map("".join))
def test_a_repeated_text_takes_little_time(fragment: str) -> None:
    started = time.process_time()
    references_in(fragment * (20_000 // len(fragment)))
    assert time.process_time() - started < 1
