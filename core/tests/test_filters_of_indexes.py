"""Tests of the operators of a query with vectors in each index. Pinecone leaves some filters to the database."""

from collections.abc import Iterator

import pytest
from django.test.utils import override_settings

from core.search.filters import Filters
from core.search.indexes.metadata_filter import metadata_filter
from core.search.query.search import search
from core.search.sync import sync
from tests.support.fake_source import model
from tests.support.pinecone_twin import Twin
from tests.support.query_fixtures import QUERIES, ferry_sources

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


@pytest.fixture(params=["pgvector", "pinecone"])
def _index(request: pytest.FixtureRequest, twin: Twin) -> Iterator[None]:
    here = {"VECTOR_INDEX": request.param, "PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests"}
    with override_settings(**here, PINECONE_NAMESPACE="prod"), model("first"):
        yield


@pytest.mark.usefixtures("_index")
def test_every_operator_filters_the_nearest_vectors() -> None:
    sync(ferry_sources())
    wrong = {
        query: sorted(found)
        for query, expected in QUERIES
        if (found := {result.external_id for result in search(query, mode="dense")}) != expected
    }
    assert not wrong


def test_no_query_is_sent_for_an_unknown_channel() -> None:
    assert metadata_filter(Filters(scope="nowhere")) is None
    assert metadata_filter(Filters()) == {}
