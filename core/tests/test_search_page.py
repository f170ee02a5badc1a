"""The search page, as staff see it."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.tests.kept_talk import keep, keep_talk

pytestmark = pytest.mark.django_db
PAGE = "/admin/search/"
AROUND = "/admin/search/around/"


@pytest.fixture
def staff(client: Client) -> Client:
    user: Any = get_user_model().objects.create_superuser("keeper")  # pyright: ignore[reportAttributeAccessIssue]
    client.force_login(user)
    return client


def page(staff: Client, address: str = PAGE, **asked: object) -> str:
    answer = staff.get(address, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_for_staff_only(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get(AROUND).status_code == 302


def test_staff_without_the_permission_see_nothing(client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("guest", is_staff=True))  # pyright: ignore
    assert client.get(PAGE, {"q": "ferry"}).status_code == 403


def test_an_empty_index_says_how_to_fill_it(staff: Client) -> None:
    assert "sync_index" in page(staff, q="ferry")


def test_a_result_has_its_matches_marked_and_all_its_ways(staff: Client) -> None:
    keep_talk()
    shown = page(staff, q="ferry noon")
    assert "<mark>ferry</mark>" in shown
    assert 'href="https://example.org/boat/0"' in shown
    assert "?like=boat" in shown
    assert "?id=boat&amp;at=0#here" in shown


def test_hostile_texts_do_nothing(staff: Client) -> None:
    keep_talk()
    for shown in (page(staff, q="name of a station"), page(staff, AROUND, id="evil", at=0)):
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown
        assert "\u202e" not in shown
        assert "style=" not in shown.partition('id="content"')[2]


def test_hostile_questions_do_nothing(staff: Client) -> None:
    keep_talk()
    for words in ("<script>alert(1)</script>", "\0", "'; DROP TABLE core_chunk; --", "x" * 501, "\u202e"):
        assert "<script>alert(1)" not in page(staff, q=words, page="9" * 30)
    assert "Did you mean notes/tides" in page(staff, q="ferry", scope="notes/tide")
    assert page(staff, q="ferry", since="soon", like="\0", mode="nothing", page="-1")


def test_the_number_of_queries_does_not_grow_with_the_results(staff: Client) -> None:
    counts: list[int] = []
    for n in range(2):
        for m in range(1 + n * 30):
            keep(f"tide{n}-{m}", f"Tide {n} {m}", "the spring tide comes", "and goes")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(staff, q="spring tide")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


def test_more_than_a_page_goes_on_and_ends(staff: Client) -> None:
    for n in range(45):
        keep(f"tide{n:02}", f"Tide {n}", "the spring tide comes")
    first, last = page(staff, q="spring tide"), page(staff, q="spring tide", page=3)
    assert "page=2" in first
    assert "page=4" not in last
    assert last.count("At the source") == 5


def test_the_thread_around_a_hit_goes_on_both_ways(staff: Client) -> None:
    keep("long", "Long", *(f"passage number {n}." for n in range(40)))
    shown = page(staff, AROUND, id="long", at=20)
    assert shown.count("passage number") == 11
    assert 'id="here"' in shown
    assert "?id=long&amp;at=9" in shown
    assert "?id=long&amp;at=31" in shown
    assert staff.get(AROUND, {"id": "nowhere", "at": "x"}).status_code == 404


def test_what_is_not_in_the_index_has_nothing_like_it(staff: Client) -> None:
    keep_talk()
    assert "not in the index" in page(staff, like="boat")  # it has no vectors
