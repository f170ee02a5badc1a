"""Tests of answering the references of a query: which documents lead, and which only support the ranking."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import Document
from core.search.filters import NO_FILTERS, Filters
from core.search.query.exact import ExactHit, find_exact, lead, support
from core.search.query.fusion import Ranked
from core.search.query.search import search
from core.search.query.text import clean_query, extra_words, refresh_common_words
from tests.support.conversation_fixtures import NOON, store_conversations, store_document

pytestmark = pytest.mark.django_db
HASH = "3e8f1a2b456789abcdef0123456789abcdef0123"


@pytest.fixture(autouse=True)
def _documents() -> None:
    store_conversations()
    store_document("tls", "Keys of a session", "RFC 9180 says that a key must not be used twice.", scope="notes/keys")
    store_document("hpke", "RFC9180 and others", "The list of documents.")
    store_document("later", "Draft", "see RFC 91800 and NRFC 9180")
    store_document(
        "build", "Build options", "configure --with-gauge and set gauge_level=3", "Use gauge_level with care."
    )
    store_document("symbols", "Parts", "Gauge::read(x) with -gauge=1 of release/1.2 and draft-tide-gauge-03")
    store_document("old", "Releases", "Since v1.2.0rc1 and since 1.2.0 it works, not in 1.2.0.1.")
    store_document("ticket", "Tickets", f"ABC-1234 was fixed by {HASH[:9]}, see https://example.org/x/7.")


def titles(words: str, **conditions: object) -> list[str]:
    filters = Filters(**conditions)  # pyright: ignore[reportArgumentType]  # as the test writes them
    names = dict(Document.objects.values_list("pk", "external_id"))
    return [names[hit.document] for hit in find_exact(words, filters) if hit.leads]


def supporting(words: str) -> list[str]:
    names = dict(Document.objects.values_list("pk", "external_id"))
    return [names[hit.document] for hit in find_exact(words, NO_FILTERS) if not hit.leads]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("RFC 9180", ["hpke", "tls"]),
        ("rfc9180", ["hpke", "tls"]),
        ("--with-gauge", ["build"]),
        ("gauge_level", ["build"]),
        ("src/qt/main.cpp", ["crash"]),
        ("main.cpp", ["crash"]),
        ("qt/main.cpp", ["crash"]),
        ("ain.cpp", []),
        ("parse_header()", ["crash"]),
        ("parse_head", []),
        ("v1.2.0", ["old"]),
        ("1.2.0rc1", ["old"]),
        ("1.2.0rc2", []),
        ("Gauge::read", ["symbols"]),
        ("gauge::READ", ["symbols"]),
        ("read()", ["symbols"]),
        ("-gauge=1", ["symbols"]),
        ("draft-tide-gauge-03", ["symbols"]),
        ("release/1.2", ["symbols"]),
        ("ABC-1234", ["ticket"]),
        ("ABC-123", []),
        (HASH, ["ticket"]),
        (HASH[:8], ["ticket"]),
        (HASH[:7] + "c", []),
        ("https://example.org/x/7", ["ticket"]),
        ("https://example.org/x", []),
    ],
)
def test_documents_with_the_exact_text_lead(words: str, expected: list[str]) -> None:
    assert titles(words) == expected


def test_words_such_as_the_do_not_change_what_leads() -> None:
    assert titles("what is the RFC 9180 about?") == ["hpke", "tls"]


def test_in_a_question_the_other_words_choose() -> None:
    assert titles("RFC 9180 key") == ["tls"]
    assert titles("may a key be used twice after a restart with RFC 9180") == []
    assert supporting("may a key be used twice after a restart with RFC 9180") == ["tls", "hpke"]
    assert titles("why does main.cpp crash at night") == ["crash"]


def test_a_common_text_leads_only_with_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.search.query.exact_strings.MAX_MATCHES", 2)
    assert titles("RFC 9180") == ["hpke"]
    assert supporting("RFC 9180") == ["tls"]


def test_two_common_words_select_candidates_together(monkeypatch: pytest.MonkeyPatch) -> None:
    refresh_common_words(force=True)
    monkeypatch.setattr("core.search.query.exact_strings.MAX_EXPECTED_CHUNKS", 0)
    assert titles("main.cpp") == ["crash"]
    monkeypatch.setattr("core.search.query.exact_strings.MAX_CHUNKS_OF_PAIR", 0)
    assert titles("main.cpp") == []


def test_filters_apply_to_exact_hits() -> None:
    assert titles("RFC 9180", scope="NOTES/keys") == ["tls"]
    assert titles("RFC 9180", kind="pull_request") == []
    assert titles("RFC 9180", since=NOON + timedelta(days=1)) == []


def test_a_deleted_document_is_no_hit() -> None:
    Document.objects.filter(external_id="tls").update(deleted_at=NOON)
    assert titles("RFC 9180") == ["hpke"]


@pytest.mark.parametrize("mode", ["text", "hybrid", "dense"])
def test_exact_hits_lead_in_every_mode(mode: str) -> None:
    results = search("RFC 9180", mode=mode)  # pyright: ignore[reportArgumentType]
    assert [result.external_id for result in results[:2]] == ["hpke", "tls"]
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)


def test_supporting_documents_gain_and_leading_documents_appear_once() -> None:
    (hit, *_) = find_exact("RFC 9180 key", NO_FILTERS)
    text = [Ranked(document=hit.document, chunk=1, score=4), Ranked(document=-1, chunk=2, score=5, sure=0.1)]
    assert [ranked.document for ranked in lead([hit], text)] == [hit.document, -1]
    third = ExactHit(document=-2, chunk=3, score=0.9, sure=0.9, leads=False, reference=hit.reference)
    assert [(ranked.document, ranked.score, ranked.sure) for ranked in support([hit, third], text)] == [
        (-1, 5, 0.1), (-2, 4.5, 0.9), (hit.document, 4, 1.0),
    ]  # fmt: skip


def test_a_shortened_hash_is_found_as_a_word() -> None:
    assert extra_words(f"{HASH} at src/{HASH[:9]}") == f"{HASH[:7]} src"
    assert extra_words("defaced 1234567") == ""
    for digits in (7, 8, 10, 40):
        assert [result.external_id for result in search(f"revert {HASH[:digits]}", mode="text")] == ["ticket"]


ODD = [
    "RFC 9180",
    "main.cpp",
    "'",
    "\\",
    "a_b",
    "--x'y",
    "v1.2\\",
    "https://a.b/'\\",
    "%s",
    "%(q)s",
    "@ada",
    "::*",
    "é_é",
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(ODD), max_size=6).map("".join)))
def test_any_text_is_a_valid_query(text: str) -> None:
    find_exact(clean_query(text), Filters(scope="notes/all"))


def test_an_identifier_leads_after_the_sync_has_counted_the_words() -> None:
    refresh_common_words(force=True)
    assert titles("gauge_level") == ["build"]
