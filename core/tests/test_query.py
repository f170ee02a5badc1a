"""Tests of text search, fusion, and the message about a filter that matches nothing."""

from datetime import timedelta

import pytest

from core.models import CommonWord, Document
from core.search.filters import Filters
from core.search.query.fusion import Ranked, RankingParameters, Rankings, fuse
from core.search.query.results import nearby_passages
from core.search.query.search import search, unmatched_filter
from core.search.query.text import refresh_common_words
from tests.support.conversation_fixtures import NOON, store_conversations, store_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _conversations() -> None:
    store_conversations()


def found_ids(words: str, **filters: object) -> list[str]:
    conditions = Filters(**filters)  # pyright: ignore[reportArgumentType]  # as the test writes them
    return [result.external_id for result in search(words, mode="text", filters=conditions)]


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
    assert found_ids(words)[0] == expected


def test_a_number_is_found_with_and_without_its_hash() -> None:
    store_document("numbered", "Import hangs (#1234)", "Nothing happens for hours.")
    assert found_ids("#1234") == found_ids("1234") == ["numbered"]


def test_each_filter_leaves_out_what_does_not_fit() -> None:
    words = "ferry name SIGSEGV 潮位"
    assert set(found_ids(words)) == {"boat", "crash", "tide", "evil"}
    assert set(found_ids(words, scope="Notes/TIDES")) == {"tide", "evil"}
    assert found_ids(words, kind="pull_request") == ["crash"]
    assert found_ids(words, author="bea") == ["boat"]
    assert found_ids(words, source="discord") == []
    assert found_ids(words, since=NOON + timedelta(days=1)) == []
    assert found_ids(words, until=NOON) == []
    assert len(found_ids(words, since=NOON, until=NOON + timedelta(days=1))) == 4


def test_a_deleted_document_is_hidden_before_the_sync_removes_it() -> None:
    Document.objects.filter(external_id="boat").update(deleted_at=NOON)
    assert found_ids("ferry") == []
    assert nearby_passages("github", "boat", 0) == []


def test_matches_are_marked_and_marks_in_the_text_are_ignored() -> None:
    (result,) = search("ferries", mode="text", limit=1)
    assert ("ferry", True) in result.fragments
    (result,) = search("station", mode="text", limit=1)
    assert [text for text, matches in result.fragments if matches] == ["station"]
    (result,) = search("縦軸", mode="text", limit=1)
    assert ("縦軸", True) in result.fragments


def test_a_result_has_the_author_and_address_of_the_passage() -> None:
    (result,) = search("late again", mode="text", limit=1)
    assert (result.ordinal, result.passage_origin, result.passage_url) == (
        1,
        "Bea · 2026-01-03",
        "https://example.org/boat/1",
    )


def test_the_passages_around_a_result_are_in_order() -> None:
    store_document("long", "Long", *(f"word{n}" for n in range(20)))
    assert [passage.ordinal for passage in nearby_passages("github", "long", 10, reach=2)] == [8, 9, 10, 11, 12]
    assert [passage.ordinal for passage in nearby_passages("github", "long", 0, reach=2) if passage.here] == [0]


def test_common_words_select_no_candidates_and_rare_ones_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.search.query.text.FEW_CHUNKS", 0)
    for n in range(60):
        store_document(f"common{n}", f"Thing {n}", "the harbour is open today")
    refresh_common_words()
    assert CommonWord.objects.get(vector="tsv", lexeme="harbour").share > 0.9
    assert found_ids("ferry harbour")[0] == "boat"
    assert len(found_ids("harbour")) == 10  # the query has no other word that could select candidates


def test_words_are_counted_again_only_after_the_index_has_grown() -> None:
    assert not refresh_common_words()
    for n in range(5):
        store_document(f"more{n}", "More", "more")
    assert refresh_common_words()


def test_an_unknown_name_is_reported_with_similar_names() -> None:
    assert unmatched_filter(Filters(scope="notes/tide")).startswith(
        "No scope is called 'notes/tide'. Did you mean notes/tides"
    )
    assert "pull_request" in unmatched_filter(Filters(kind="pull"))
    assert "github" in unmatched_filter(Filters(source="gihtub"))
    assert unmatched_filter(Filters(author="Bee")).endswith("Did you mean Bea?")
    assert unmatched_filter(Filters(scope="NOTES/ALL", author="ADA", kind="issue", source="github")) == ""


def ranked(**scores: float) -> list[Ranked]:
    return [Ranked(document=ord(name), chunk=ord(name) * 10, score=score) for name, score in scores.items()]


def order(*, chunks: list[Ranked] | None = None, documents: list[Ranked] | None = None, dense: list[Ranked]) -> str:
    rankings = Rankings(chunks=chunks or [], documents=documents or [], dense=dense)
    return "".join(chr(item.document) for item in fuse(rankings, RankingParameters()))


def test_a_document_of_several_rankings_comes_before_one_of_a_single_ranking() -> None:
    assert order(documents=ranked(a=0.45, b=0.4), dense=ranked(c=0.6, b=0.5, d=0.2)) == "bacd"


def test_a_single_ranking_keeps_its_order() -> None:
    assert order(chunks=ranked(c=9, a=8, b=1), dense=[]) == "cab"
    assert order(documents=ranked(c=0.9, a=0.8, b=0.1), dense=[]) == "cab"
    assert order(dense=ranked(c=0.9, a=0.8, b=-0.1)) == "cab"


def test_few_matching_words_displace_no_result_that_is_near_in_meaning() -> None:
    near = ranked(**{chr(97 + n): 0.9 - n / 100 for n in range(6)})
    assert order(documents=ranked(z=0.01), dense=near) == "abcdezf"
    assert order(documents=ranked(z=0.4), dense=near)[0] == "z"


def test_the_first_documents_of_each_ranking_are_on_the_first_page() -> None:
    many = {chr(97 + n): 0.9 - n / 1000 for n in range(20)}
    first_page = order(documents=ranked(**many), chunks=ranked(**many), dense=ranked(X=0.9, Y=0.8, Z=0.7, W=0.6))[:10]
    assert set("XY") <= set(first_page)
    assert first_page[:3] == "abc"


def test_equal_scores_have_a_stable_order() -> None:
    assert order(dense=ranked(b=1, a=1)) == order(dense=ranked(a=1, b=1)) == "ab"
