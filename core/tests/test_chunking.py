"""Tests of cutting documents into chunks with the tokenizer of the embedding model."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.search.chunking.cutting import MAX_TOKENS, cut, cut_all
from core.search.documents import Passage, RenderedDocument
from core.search.embedders.local import count_tokens, tokenizer
from core.search.query.text import extra_words
from tests.support.slow_variants import quick

PARAGRAPH = "The gauge was read twice before noon and once after it, and each time it said the same. "
SCRIPTS = {
    "english": "The ferry leaves the harbour at noon. ",
    "chinese": "潮汐表显示今天的高潮时间。",
    "japanese without an end": "潮位グラフの縦軸が合わない",
    "arabic": "يصل المد إلى أعلى نقطة عند الظهر. ",
    "thai": "น้ำขึ้นสูงสุดตอนเที่ยงวัน",
    "korean": "만조는 정오에 옵니다. ",
    "devanagari": "ज्वार दोपहर को आता है। ",
    "emoji": "🌊🏴‍☠️👩‍👩‍👧‍👦",
    "no blank": "x",
    "dotted": "a.",
    "camel": "aA",
    "blanks": " \t\n",
    "open fences": "```\n",
    "hunks": "@@ -1 +1 @@\n-a\n+b\n",
    "quotes": "> so\n",
    "headings": "# a\n",
    "items": "- a\n",
}


def tokens(texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text without special tokens. The tokenizer reads each text as a whole."""
    encoder: Any = tokenizer()
    return [len(found.ids) for found in encoder.encode_batch(list(texts), add_special_tokens=False)]


def characters(texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text if every character is a token, including spaces."""
    return [len(text) for text in texts]


def document(*texts: str, title: str = "Title", author: str = "") -> RenderedDocument:
    passages = [Passage(text=text, author=author) for text in texts]
    return RenderedDocument(
        external_id="d", kind="note", title=title, url="", author="", occurred_at=None, passages=passages
    )


def texts(*given: str) -> list[str]:
    return [piece.text for piece in cut(document(*given), count_tokens)]


def squeezed(text: str) -> str:
    return "".join(text.split())


def in_order(wanted: str, pieces: Sequence[str]) -> bool:
    """Return whether the pieces, without whitespace, cover ``wanted`` in order and without gaps. Pieces may overlap."""
    place = 0
    for piece in map(squeezed, pieces):
        back = next((n for n in range(min(place, len(piece)) + 1) if wanted.startswith(piece, place - n)), None)
        if back is None:
            return False
        place += len(piece) - back
    return place == len(wanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("+1", 1),
        (PARAGRAPH * 8, 1),
        (PARAGRAPH * 16, 2),
        (f"{PARAGRAPH * 4}\n\n{PARAGRAPH * 4}", 1),
        (f"{PARAGRAPH * 4}\n\n{PARAGRAPH * 4}\n\n{PARAGRAPH * 4}", 2),
        (f"# One\n\n{PARAGRAPH * 6}\n\n# Two\n\n{PARAGRAPH * 6}", 2),
        ("\n".join(f"- item {n}" for n in range(20)), 1),
        ("\n".join(f"- {PARAGRAPH}" for _ in range(20)), 3),
        ("```\n" + "x = 1\n" * 30 + "```", 1),
        ("```\n" + "x = 1\n" * 200 + "```", 4),
        ("> so it is\n\nNo.", 1),
        ("```diff\n" + ("@@ -1,2 +1,2 @@\n" + "-old line\n+new line\n" * 20) * 3 + "```", 3),
        ("word " * 1000, 6),
    ],
)
def test_a_text_has_so_many_chunks(text: str, expected: int) -> None:
    assert len(texts(text)) == expected


def test_every_passage_is_cut_on_its_own() -> None:
    before = texts("one", PARAGRAPH * 16, "three")
    after = texts("one", "two", "three")
    assert (before[0], before[-1]) == (after[0], after[-1]) == ("one", "three")


def test_a_chunk_says_where_it_is_from() -> None:
    noon = datetime(2026, 1, 2, tzinfo=UTC)
    passage = Passage(text="It was late.", author="ada", at=noon, heading="src/boat.py")
    boat = RenderedDocument(
        external_id="d", kind="note", title="Boat", url="", author="", occurred_at=None, passages=[passage]
    )
    piece = cut(boat, count_tokens)[0]
    assert piece.embedded == "Boat · ada · 2026-01-02 · src/boat.py\nIt was late."
    assert (piece.text, piece.author, piece.at) == ("It was late.", "ada", noon)


def test_a_document_without_words_is_its_title() -> None:
    assert texts("", " \n ") == ["Title"]


def test_a_fence_that_fits_stays_whole() -> None:
    fence = "```\nfirst\n\nsecond\n```"
    assert texts(f"{PARAGRAPH * 8}\n\n{fence}")[-1] == fence


def test_a_heading_stays_with_what_it_heads_and_a_quote_with_its_reply() -> None:
    assert texts(f"{PARAGRAPH * 7}\n\n# Why\n\n{PARAGRAPH * 4}")[1].startswith("# Why\n\nThe gauge")
    assert texts(f"{PARAGRAPH * 7}\n\n> is it so?\n\n{PARAGRAPH * 4}")[1].startswith("> is it so?\n\nThe gauge")
    assert texts(f"# Why\n\n{PARAGRAPH * 20}")[0].startswith("# Why\nThe gauge")


def test_only_the_pieces_of_a_long_paragraph_overlap() -> None:
    sentences = [f"This is what was read at the gauge at {n} o'clock sharp. " for n in range(60)]
    pieces = texts("".join(sentences))
    assert all(later.split(". ")[0] in earlier for earlier, later in pairwise(pieces))
    lines = texts("```\n" + "".join(f"value_{n} = {n}\n" for n in range(200)) + "```")
    assert len("\n".join(lines).split()) == 200 * 3 + 2


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("length", [100, 8_000])
def test_any_script_fits_and_nothing_is_lost(script: str, length: int) -> None:
    text = SCRIPTS[script] * (length // len(SCRIPTS[script]))
    pieces = cut(document(text, title=text[:500]), count_tokens)
    assert max(tokens([piece.embedded for piece in pieces])) + 2 <= MAX_TOKENS
    assert in_order(squeezed(text) or squeezed(text[:500]) or "d", [piece.text for piece in pieces])


@given(st.lists(st.text(max_size=3000), max_size=4), st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_chunk_is_too_long_and_no_character_is_lost(given: list[str], title: str) -> None:
    pieces = cut(document(*given, title=title, author=title), characters)
    assert all(characters([piece.embedded])[0] + 2 <= MAX_TOKENS for piece in pieces)
    wanted = squeezed("".join(given)).translate({0: "\ufffd"})
    assert not wanted or in_order(wanted, [piece.text for piece in pieces])


LINES = st.sampled_from(
    [*SCRIPTS.values(), "```", "~~~~", "", "# Head", "---", "> quote", "- item", "| a | b |", PARAGRAPH * 9]
)


@given(st.lists(LINES, max_size=30))
@settings(max_examples=30, deadline=None)
def test_structure_loses_nothing_and_cuts_alike_every_time(lines: list[str]) -> None:
    text = "\n".join(lines)
    pieces = cut(document(text), count_tokens)
    assert in_order(squeezed(text) or "Title", [piece.text for piece in pieces])
    assert max(tokens([piece.embedded for piece in pieces])) + 2 <= MAX_TOKENS
    assert cut_all([document("first"), document(text)], count_tokens)[1] == pieces


@pytest.mark.parametrize("unit", quick(["x", "word ", "- a\n"], "x"))
def test_a_megabyte_is_cut(unit: str) -> None:
    pieces = cut(document(unit * (1_000_000 // len(unit))), count_tokens)
    assert max(len(piece.text) for piece in pieces) <= 2000


def test_what_cannot_be_stored_becomes_a_replacement_character() -> None:
    assert texts("har\0bour \ud800") == ["har\ufffdbour \ufffd"]


def test_identifiers_and_scripts_without_blanks_are_taken_apart() -> None:
    assert extra_words("parseHeader src/qt/main.cpp 潮位表") == "parse header src qt main cpp 潮位 位表"
