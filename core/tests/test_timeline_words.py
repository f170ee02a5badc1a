"""The filter by words finds the same activities as the search vectors alone, and reads frequent words quickly."""

from datetime import UTC, datetime

import pytest
from django.contrib.postgres.search import SearchQuery, SearchVector

from core.models import Activity, Scope
from core.timeline import all_activities, with_words
from tests.support.activities import make_activities

pytestmark = pytest.mark.django_db
SUMMARIES = [
    "The Harbour at low tide", "HARBOURS", "har bour", "pre-harbour-post", "https://harbour.example/low?tide=1",
    "<b>harbour</b> &amp; tide", "foo_bar", "foo bar", "foo-bar", "FOO", "Übung macht", "übungen", "straße STRASSE",
    "\u212aelvin", "kelvin", "\u0130stanbul", "istanbul", "ΣΊΣΥΦΟΣ", "1e5 v2.10 -77", "77.5", "a1b2", "c++ e\u0301te",
]  # fmt: skip
QUERIES = [
    "harbour", "HARB tide", "low", "foo_bar", "foo", "bar", "FO", "übung", "STRAßE", "strasse", "kelvin", "Kel",
    "istanbul", "i", "σίσυφος", "1e5", "v2", "77", "a1", "b2", "amp", "e", "example", "h", "tide harbour low",
]  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
def test_words_find_what_the_search_vectors_contain(whole: bool) -> None:
    scope = Scope.objects.create(source_system="github", external_id="1", name="o/r")
    make_activities(
        {
            "source_system": "github", "external_id": f"github:issue:1:{n}", "scope": scope,
            "activity_type": "github.issue", "occurred_at": datetime(2026, 1, 1, tzinfo=UTC), "summary": text,
        }
        for n, text in enumerate(SUMMARIES)
    )  # fmt: skip
    counts: dict[str, int] = {}
    for words in QUERIES:
        lexemes = " & ".join(word if whole else f"{word}:*" for word in words.split())
        query = SearchQuery(lexemes, search_type="raw", config="simple")
        expected = Activity.objects.alias(v=SearchVector("summary", config="simple")).filter(v=query)
        found = with_words(all_activities(), words, whole=whole)[0]
        assert {row.summary for row in found} == {row.summary for row in expected}, words
        counts[words] = len(found)
    assert counts["harbour"] >= 3
    assert counts["foo_bar"] >= 1
    assert counts["kelvin"] >= 1
