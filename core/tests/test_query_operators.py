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
from tests.support.query_fixtures import store_ferries

pytestmark = pytest.mark.django_db
ALL = {"boat", "crash", "fastest", "night", "chat"}
QUERIES: list[tuple[str, set[str]]] = [
    ("ferry", ALL),
    ('ferry "leaves the harbour at noon"', {"boat"}),
    ('"LEAVES the harbour"', {"boat"}),
    ("“to be or not to be”", {"boat"}),
    ('"ferry->speed()"', {"crash"}),
    ('"not quite right"', {"crash"}),
    ('"src/a.parseHeader()"', {"crash"}),
    ('"100%_sure"', {"chat"}),
    ('"潮位"', {"chat"}),
    ('"ferry timetable"', {"boat"}),
    ('"harbour the leaves"', set()),
    ('"err"', set()),
    ("ferry -noon", ALL - {"boat"}),
    ("ferry -leaving", ALL - {"boat"}),
    ("ferry -timetables", ALL - {"boat"}),
    ("ferry -the", {"night"}),
    ("ferry -潮位", ALL - {"chat"}),
    ('ferry -"red ferry"', ALL - {"fastest"}),
    ("ferry -label:bug", ALL - {"boat", "crash"}),
    ("ferry author:BEA", {"boat", "fastest", "chat"}),
    ("ferry author:@cy-2", {"crash"}),
    ("ferry author:cy-2 author:eli", {"crash", "chat"}),
    ("ferry -author:bea", ALL - {"boat"}),
    ("ferry repo:notes/tides", {"boat"}),
    ("ferry repo:TIDES", {"boat"}),
    ("ferry channel:general", {"chat"}),
    ("ferry channel:#general", {"chat"}),
    ("ferry channel:harbour/general", {"chat"}),
    ("ferry -repo:all", {"boat", "chat"}),
    ("ferry label:bug", {"boat", "crash"}),
    ("ferry label:bug label:UI", {"crash"}),
    ('ferry label:"good first issue"', {"boat"}),
    ("ferry is:open", {"boat", "night"}),
    ("ferry is:closed", {"crash", "fastest"}),
    ("ferry is:merged", {"crash"}),
    ("ferry -is:open", {"crash", "fastest", "chat"}),
    ("ferry is:answered", {"fastest"}),
    ("ferry is:unanswered", {"night"}),
    ("ferry type:issue", {"boat"}),
    ("ferry type:pr", {"crash"}),
    ("ferry type:pull-request", {"crash"}),
    ("ferry type:discussions", {"fastest", "night"}),
    ("ferry type:comment", {"boat"}),
    ("ferry type:review-comment", {"crash"}),
    ("ferry type:message", {"chat"}),
    ("ferry type:conversation", {"chat"}),
    ("ferry source:discord", {"chat"}),
    ("ferry after:2025", {"crash", "night"}),
    ("ferry since:2024-02 until:2025", {"boat"}),
    ("ferry before:2023", {"chat"}),
    ("ferry before:2024-01-05", {"fastest", "chat"}),
    ("author:bea", {"boat", "fastest", "chat"}),
    ("is:open type:issue", {"boat"}),
    ("-label:bug", ALL - {"boat", "crash"}),
    ("type:comment author:ada", {"boat"}),
]


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
