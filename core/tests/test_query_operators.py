"""Tests of each operator in the library, in the command and on the page."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from core.search.query.search import search
from tests.support.query_fixtures import QUERIES, store_ferries

pytestmark = pytest.mark.django_db


@pytest.fixture
def _ferries() -> None:
    store_ferries()


@pytest.fixture
def staff(client: Client) -> Client:
    user: Any = get_user_model().objects.create_superuser("operator")  # pyright: ignore[reportAttributeAccessIssue]
    client.force_login(user)
    return client


def found(query: str, **options: Any) -> list[str]:
    return [result.external_id for result in search(query, mode="text", **options)]


def page(staff: Client, query: str, **parameters: object) -> str:
    response = staff.get("/admin/search/", {"q": query, "mode": "text", **parameters})
    assert response.status_code == 200
    return response.content.decode()


def on_page(html: str) -> list[str]:
    return re.findall(r'href="\?like=([^"&]+)"', html)


def printed(query: str) -> dict[str, Any]:
    out = StringIO()
    call_command("search", "--mode", "text", "--json", "--", query, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.usefixtures("_ferries")
@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_an_operator_means_the_same_everywhere(staff: Client, query: str, expected: set[str]) -> None:
    assert set(found(query)) == expected
    assert {hit["external_id"] for hit in printed(query)["hits"]} == expected
    assert set(on_page(page(staff, query))) == expected
