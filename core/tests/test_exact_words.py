"""Tests of the column with the exact words of a chunk: it repeats no stem, and every word of a chunk is still found."""

import pytest
from django.db import connection

from core.search.query.search import search
from core.search.query.text import refresh_common_words
from tests.support.conversation_fixtures import store_document

pytestmark = pytest.mark.django_db
WORDS = """
    SELECT word FROM core_chunk, unnest(tsvector_to_array(to_tsvector('simple', text || ' ' || words))) AS word
    WHERE text = %s AND word = ANY(tsvector_to_array(to_tsvector('simple', word)))
"""
"""The words that every chunk must be found by: all words of its text and names that are also words of a query."""
TEXTS = {
    "a stop word that is the stem of another word": "You can open both cans",
    "a part of a name that is the stem of a word in the text": "We agreed to call agreX first",
    "a word only in a name, and its inflection in another text": "The cache of runAll is empty",
    "an inflected word": "It runs again, running and running",
    "a path and an address": "See src/qt/main.cpp and https://example.org/a/b?c=d, mail ada@example.org",
    "a script without spaces": "潮位グラフの縦軸が合わない",
    "accents and numbers": "Éléments d'été, 1.2.3 and -42",
    "only stop words": "it was not for them to be",
}


@pytest.fixture(autouse=True)
def _documents() -> None:
    for name, text in TEXTS.items():
        store_document(name, "Notes", text)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("counted", [False, True])
def test_a_document_is_found_by_each_of_its_words(name: str, counted: bool) -> None:
    if counted:
        refresh_common_words(force=True)
    with connection.cursor() as cursor:
        cursor.execute(WORDS, [TEXTS[name]])
        words = [row[0] for row in cursor.fetchall()]
    assert words
    assert [word for word in words if name not in {hit.external_id for hit in search(word, mode="text")}] == []


def test_no_word_is_in_both_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(tsv) && tsvector_to_array(tsv_simple) FROM core_chunk")
        assert {row[0] for row in cursor.fetchall()} == {False}


def test_an_exact_form_ranks_before_another_form_of_the_word() -> None:
    store_document("other", "Notes", "The anchors hold")
    store_document("exact", "Notes", "The anchored hold")
    assert [hit.external_id for hit in search("anchored", mode="text")] == ["exact", "other"]
