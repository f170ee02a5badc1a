"""How documents are cut."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from core.search.chunking import MAX_TOKENS, cut, extra_words
from core.search.documents import Passage, RenderedDocument


def words(texts: Sequence[str]) -> list[int]:
    """A tokenizer that takes three characters for a token."""
    return [len(text) // 3 + 1 for text in texts]


def document(*texts: str) -> RenderedDocument:
    passages = [Passage(text=text) for text in texts]
    return RenderedDocument(
        external_id="d", kind="note", title="Title", url="", author="", occurred_at=None, passages=passages
    )


@given(st.lists(st.text(max_size=3000), max_size=4))
def test_no_chunk_is_too_long_and_nothing_is_lost(texts: list[str]) -> None:
    pieces = cut(document(*texts), words)
    assert all(words([piece.embedded])[0] <= MAX_TOKENS + 30 for piece in pieces)
    squeezed = "".join("".join(piece.text.split()) for piece in pieces)
    assert all(character in squeezed or character.isspace() for text in texts for character in text)


def test_a_megabyte_without_a_blank_is_cut() -> None:
    assert len(cut(document("x" * 1_000_000), words)) > 1000


def test_a_fence_that_fits_stays_whole() -> None:
    fence = "```\nfirst\n\nsecond\n```"
    assert [piece.text for piece in cut(document(f"{'word ' * 118}\n\n{fence}"), words)][-1] == fence


def test_identifiers_and_cjk_are_taken_apart() -> None:
    assert extra_words("parseHeader src/qt/main.cpp 潮位表") == "parse header src qt main cpp 潮位 位表"
