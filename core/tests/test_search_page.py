"""Tests of the search page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Document
from tests.support.activities import make_activities
from tests.support.conversation_fixtures import NOON, store_conversations, store_document

pytestmark = pytest.mark.django_db
PAGE = "/admin/search/"
FIND = "/admin/timeline/github/find/"


@pytest.fixture
def staff(client: Client) -> Client:
    user: Any = get_user_model().objects.create_superuser("operator")  # pyright: ignore[reportAttributeAccessIssue]
    client.force_login(user)
    return client


def page(staff: Client, address: str = PAGE, **query: object) -> str:
    answer = staff.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_staff_can_search(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get(FIND).status_code == 302


def test_staff_without_the_permission_see_nothing(client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("guest", is_staff=True))  # pyright: ignore
    assert client.get(PAGE, {"q": "ferry"}).status_code == 403


def test_an_empty_index_explains_how_to_build_it(staff: Client) -> None:
    assert "sync_index" in page(staff, q="ferry")


def test_a_result_has_marked_matches_and_links(staff: Client) -> None:
    store_conversations()
    shown = page(staff, q="ferry noon")
    assert "<mark>ferry</mark>" in shown
    assert 'href="https://example.org/boat/0"' in shown
    assert "?like=boat" in shown
    assert f"{FIND}?thread=boat&amp;url=https%3A%2F%2Fexample.org%2Fboat%2F0" in shown


def test_hostile_texts_have_no_effect(staff: Client) -> None:
    store_conversations()
    shown = page(staff, q="name of a station")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown
    assert "\u202e" not in shown
    assert "style=" not in shown.partition('id="content"')[2]


def test_hostile_queries_have_no_effect(staff: Client) -> None:
    store_conversations()
    for words in ("<script>alert(1)</script>", "\0", "'; DROP TABLE core_chunk; --", "x" * 501, "\u202e"):
        assert "<script>alert(1)" not in page(staff, q=words, page="9" * 30)
    assert "Did you mean notes/tides" in page(staff, q="ferry", scope="notes/tide")
    assert page(staff, q="ferry", since="soon", like="\0", mode="nothing", page="-1")


def test_the_number_of_queries_does_not_grow_with_the_results(staff: Client) -> None:
    counts: list[int] = []
    for n in range(2):
        for m in range(1 + n * 30):
            store_document(f"tide{n}-{m}", f"Tide {n} {m}", "the spring tide comes", "and goes")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(staff, q="spring tide")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


def test_results_continue_on_further_pages(staff: Client) -> None:
    for n in range(45):
        store_document(f"tide{n:02}", f"Tide {n}", "the spring tide comes")
    first, last = page(staff, q="spring tide"), page(staff, q="spring tide", page=3)
    assert "page=2" in first
    assert "page=4" not in last
    assert last.count("View at the source") == 5


def test_a_result_links_to_its_activity_in_the_thread(staff: Client) -> None:
    store_document("long", "Long", *(f"passage number {n}." for n in range(120)))
    rows = make_activities(
        {
            "source_system": "github", "external_id": f"github:x:{n}", "scope": Document.objects.get().scope,
            "thread": "long", "activity_type": "github.x", "occurred_at": NOON + timedelta(minutes=n),
            "summary": f"number {n}",
            "source_url": f"https://example.org/long/{n}",
        }
        for n in range(120)
    )  # fmt: skip
    for place in (0, 49, 50, 119):
        answer = staff.get(FIND, {"thread": "long", "url": f"https://example.org/long/{place}"})
        address, _, anchor = answer.headers["Location"].partition("#")
        assert anchor == f"activity-{rows[place].pk}"
        assert f'id="{anchor}"' in page(staff, address)
    gone = staff.get(FIND, {"thread": "long", "url": "https://example.org/elsewhere"})
    assert gone.headers["Location"].endswith(f"#activity-{rows[0].pk}")


def test_a_result_without_activities_links_to_its_source(staff: Client) -> None:
    store_conversations()
    assert staff.get(FIND, {"thread": "boat"}).headers["Location"] == "https://example.org/boat"
    assert staff.get(FIND, {"thread": "nowhere"}).status_code == 404
    assert staff.get(FIND, {"id": "github:issue:1:1"}).status_code == 404
    assert staff.get(FIND).status_code == 404


def test_a_document_outside_the_index_has_no_similar_documents(staff: Client) -> None:
    store_conversations()
    assert "not in the index" in page(staff, like="boat")  # the document has no vectors
