"""Text search, fusion and what is told of names that nobody has."""

from datetime import timedelta

import pytest

from core.models import CommonWord, Document
from core.search.filters import Filters
from core.search.frequencies import refresh_common_words
from core.search.query import search, thread, unknown
from core.search.query.fusion import fused
from core.search.query.ranking import Ranked, Tuning
from tests.support.conversation_fixtures import NOON, store_conversations, store_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _talk() -> None:
    store_conversations()


def found(words: str, **filters: object) -> list[str]:
    asked = Filters(**filters)  # pyright: ignore[reportArgumentType]  # as the test writes them
    return [result.external_id for result in search(words, mode="text", filters=asked)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("when does a ferry leave", "boat"),
        ("timetables", "boat"),
        ("header", "crash"),
        ("src/qt/main.cpp", "crash"),
        ("main.cpp", "crash"),
        ("縦軸", "tide"),
        ("グラフ", "tide"),
    ],
)
def test_words_are_found_in_texts_titles_identifiers_and_other_scripts(words: str, expected: str) -> None:
    assert found(words)[0] == expected


def test_a_number_is_found_with_and_without_its_hash() -> None:
    store_document("numbered", "Import hangs (#1234)", "Nothing happens for hours.")
    assert found("#1234") == found("1234") == ["numbered"]


def test_each_filter_leaves_out_what_does_not_fit() -> None:
    words = "ferry name SIGSEGV 潮位"
    assert set(found(words)) == {"boat", "crash", "tide", "evil"}
    assert set(found(words, scope="Notes/TIDES")) == {"tide", "evil"}
    assert found(words, kind="pull_request") == ["crash"]
    assert found(words, author="bea") == ["boat"]
    assert found(words, source="discord") == []
    assert found(words, since=NOON + timedelta(days=1)) == []
    assert found(words, until=NOON) == []
    assert len(found(words, since=NOON, until=NOON + timedelta(days=1))) == 4


def test_what_was_deleted_is_not_shown_before_the_sync_has_removed_it() -> None:
    Document.objects.filter(external_id="boat").update(deleted_at=NOON)
    assert found("ferry") == []
    assert thread("boat", 0) == []


def test_matches_are_marked_and_marks_in_the_text_are_not_believed() -> None:
    (result,) = search("ferries", mode="text", limit=1)
    assert ("ferry", True) in result.fragments
    (result,) = search("station", mode="text", limit=1)
    assert [text for text, matches in result.fragments if matches] == ["station"]
    (result,) = search("縦軸", mode="text", limit=1)
    assert ("縦軸", True) in result.fragments


def test_a_result_says_who_wrote_the_passage_and_where_it_stands() -> None:
    (result,) = search("late again", mode="text", limit=1)
    assert (result.ordinal, result.passage_origin, result.passage_url) == (
        1,
        "Bea · 2026-01-03",
        "https://example.org/boat/1",
    )


def test_the_thread_around_a_hit_is_in_order() -> None:
    store_document("long", "Long", *(f"word{n}" for n in range(20)))
    assert [said.ordinal for said in thread("long", 10, reach=2)] == [8, 9, 10, 11, 12]
    assert [said.ordinal for said in thread("long", 0, reach=2) if said.here] == [0]


def test_common_words_bring_no_candidates_and_rare_ones_are_worth_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.search.query.lexemes.FEW", 0)
    for n in range(60):
        store_document(f"common{n}", f"Thing {n}", "the harbour is open today")
    refresh_common_words()
    assert CommonWord.objects.get(vector="tsv", lexeme="harbour").share > 0.9
    assert found("ferry harbour")[0] == "boat"
    assert len(found("harbour")) == 10  # for want of better


def test_the_count_of_words_is_renewed_when_the_index_has_grown_and_not_before() -> None:
    assert not refresh_common_words()
    for n in range(5):
        store_document(f"more{n}", "More", "more")
    assert refresh_common_words()


def test_names_that_nobody_has_are_told_with_what_may_have_been_meant() -> None:
    assert unknown(Filters(scope="notes/tide")).startswith("No scope is called 'notes/tide'. Did you mean notes/tides")
    assert "pull_request" in unknown(Filters(kind="pull"))
    assert "github" in unknown(Filters(source="gihtub"))
    assert unknown(Filters(author="Bee")).endswith("Did you mean Bea?")
    assert unknown(Filters(scope="NOTES/ALL", author="ADA", kind="issue", source="github")) == ""


def ranked(**scores: float) -> list[Ranked]:
    return [Ranked(document=ord(name), chunk=ord(name) * 10, score=score) for name, score in scores.items()]


def order(text: list[Ranked], dense: list[Ranked]) -> str:
    return "".join(chr(item.document) for item in fused(text, dense, Tuning(text=0.2)))


def test_what_both_lists_have_stands_before_what_one_has() -> None:
    assert order(ranked(a=9, b=8), ranked(c=0.6, b=0.5)) == "bca"


def test_one_list_alone_keeps_its_order() -> None:
    assert order(ranked(c=9, a=8, b=1), []) == "cab"
    assert order([], ranked(c=0.9, a=0.8, b=-0.1)) == "cab"


def test_few_words_in_common_bring_nothing_among_the_first_by_meaning() -> None:
    near = ranked(**{chr(97 + n): 0.9 - n / 100 for n in range(12)})
    chance = [Ranked(document=ord("z"), chunk=1, score=9, sure=0.59)]
    telling = [Ranked(document=ord("z"), chunk=1, score=9)]
    tuning = Tuning(text=2, steepness=1)
    assert order(chance, near)[:10] == "abcdefghij"
    assert fused(telling, near, tuning)[0].document == ord("z")
    assert fused(chance, near, tuning)[10].document == ord("z")


def test_equals_have_a_stable_order() -> None:
    assert order(ranked(b=1, a=1), []) == order(ranked(a=1, b=1), []) == "ab"
