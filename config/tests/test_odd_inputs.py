"""No request parameter causes a server error."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.signals import got_request_exception
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import CollectorRun, Scope, SkippedItem
from core.pages import parameters
from core.pages.parameters import Utf8ASGIHandler, Utf8WSGIHandler, utf8_content_type
from github_activity_tracker.models import Issue, IssueComment, Repository
from tests.support.activities import make_activities
from tests.support.conversation_fixtures import store_conversations, store_document
from tests.support.discord_fixtures import at, make_guild, message, store
from tests.support.odd_requests import OddRequest, Route, failure, odd_request, routes

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
NUMBER = int(os.environ.get("ODD_INPUTS", "10000"))
"""Number of requests in the long test. More requests find rarer errors but take longer."""
SEED = int(os.environ.get("ODD_SEED", "13"))

ADDRESSES = [
    "timeline/?until=9999-12-31", "timeline/?since=0001-01-01", "timeline/?until=9999-12-31&since=9999-12-31",
    "timeline/?before=2025-06-02T12:00:00%2B15:59:59~1", "timeline/?after=0001-01-01T00:00:00%2B23:59~1",
    "timeline/?before=2025-06-02T12:00:00%2B23:59:59.999999~1", "timeline/?words=a%00b&person=%00",
    "timeline/?state=%00", "?until=9999-12-31", "?since=0001-01-01&until=0001-01-01", "?since=9999-12-31",
    "search/?q=tide&until=9999-12-31", "search/?q=%00&scope=%00&since=0001-01-01", "search/?q=tide&page=%C2%B2",
    "core/activity/?actor_name__exact=%00", "core/activity/?summary__regex=(", "core/activity/?occurred_at__year=0",
    "core/activity/?q=" + "x" * 3000, "core/activity/?occurred_at__gte=0001-01-01T00:00:00%2B23:59",
    "core/chunk/?tsv__exact='", "auth/user/?username__regex=(", "auth/user/?username__exact=%00",
    "auth/user/?last_login__gte=2025-06-02T12:00:00%2B15:59:59", "core/embedding/?vector=x",
    "core/embedding/?model__fingerprint=mini", "core/embedding/?q=not-a-hash", "core/embedding/?model=x",
    "core/indexentry/?namespace__named=x", "core/chunk/?q=long%230003", "core/chunk/?q=" + "%C3%A9" * 300 + "%231",
    "discord_activity_tracker/message/?guild=" + "9" * 5000, "discord_activity_tracker/message/?days=%C2%B2",
    "core/checkpoint/?extras__a=%00", "timeline/github/thread/?id=%00", "autocomplete/?term=%00",
]  # fmt: skip
"""URLs with dates at both ends of the calendar, large time zone offsets, NUL, digits of other scripts and invalid
comparisons."""
ACTIONS = [
    ("retry/", "item=%C2%B2"), ("retry/", "run=%D9%A3"), ("retry/", "item=" + "9" * 5000),
    ("retry/", "item=1&next=foo"), ("retry/", "item=1&next=/%0d%0aX:y"),
    ("core/skippeditem/", "action=retry&_selected_action=x"),
    ("core/skippeditem/", "action=retry&_selected_action=%00"),
    ("core/apibudget/", "action=clear&_selected_action=%C2%B2"),
    ("auth/user/", "action=delete_selected&_selected_action=x"),
]  # fmt: skip


@pytest.fixture
def admin(db: Any) -> Iterator[Client]:
    """Store rows for most lists, and yield a client that is logged in as a superuser."""
    make_guild()
    store([message(at(0), "The opening"), message(at(1), "The answer")])
    store_conversations()
    store_document("long", "Long", *(f"passage number {n}." for n in range(60)))
    repository = Repository.objects.create(id=1, full_name="a/b")
    common = {"repository": repository, "created_at": NOW, "updated_at": NOW}
    Issue.objects.create(id=1, number=1, is_pull_request=False, title="One", state="open", **common)
    IssueComment.objects.create(id=1, issue_number=1, body="words " * 5000, **common)
    scope = Scope.objects.get(external_id="notes/all")
    make_activities(
        {
            "source_system": "github", "external_id": f"github:issue_comment:{n}", "scope": scope,
            "thread": "github:issue:1:1", "activity_type": "github.issue_comment",
            "occurred_at": NOW + timedelta(minutes=n), "summary": f"line {n}",
        }
        for n in range(1, 61)
    )  # fmt: skip
    run = CollectorRun.objects.create(collector="github", host="h", pid=1, started_at=NOW, progress={"seen": 3})
    SkippedItem.objects.create(
        collector="github", scope="1", stream="issues", external_id="1", reason="malformed", run=run,
        first_seen_at=NOW, last_seen_at=NOW, payload={"a": ["b"] * 9000},
    )  # fmt: skip
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("keeper"))  # pyright: ignore[reportAttributeAccessIssue]
    logging.disable(logging.CRITICAL)
    yield client
    logging.disable(logging.NOTSET)


def test_every_page_is_among_those_that_get_odd_requests() -> None:
    names = " ".join(route.name for route in routes())
    for name in ("admin:timeline", "admin:thread", "admin:find", "admin:whole_text", "admin:search", "admin:index"):
        assert name in names
    for name in ("admin:retry", "admin:autocomplete", "core_activity_changelist", "core_chunk_text", "/metrics"):
        assert name in names


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_no_page_fails_whatever_it_is_sent(admin: Client, random: Random) -> None:
    request = odd_request(random, random.choice(routes()))
    assert failure(admin, request) == "", request


def test_an_odd_address_is_no_error_of_the_server(admin: Client) -> None:
    for address in ADDRESSES:
        path, _, query = f"/admin/{address}".partition("?")
        assert failure(admin, OddRequest(page=address, method="GET", path=path, query=query)) == "", address


def test_an_odd_action_is_no_error_of_the_server(admin: Client) -> None:
    for path, body in ACTIONS:
        request = OddRequest(page=path, method="POST", path=f"/admin/{path}", query="", body=body)
        assert failure(admin, request) == "", (path, body)


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["=base64", "=unicode_escape", "=utf-7", "=utf-16", "*=no''utf-8", "=utf-8", "=€"])
def test_a_charset_in_the_content_type_does_not_change_the_address(charset: str) -> None:
    environ = RequestFactory().get("/admin/login/", {"next": "\\ud800 tide"}).environ
    statuses: list[str] = []
    content_type = f"text/plain; charset{charset}".encode().decode("latin-1")
    handler = Utf8WSGIHandler()
    b"".join(handler({**environ, "CONTENT_TYPE": content_type}, lambda status, headers: statuses.append(status)))
    assert statuses == ["200 OK"]


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1"])
def test_too_many_parameters_are_a_bad_request_with_any_charset(charset: str) -> None:
    environ = RequestFactory().get("/admin/login/").environ
    statuses: list[str] = []
    odd = {"QUERY_STRING": "a=b&" * 2000, "CONTENT_TYPE": f"text/plain{charset}"}
    b"".join(Utf8WSGIHandler()({**environ, **odd}, lambda status, headers: statuses.append(status)))
    assert statuses == ["400 Bad Request"]


@pytest.mark.parametrize("charset", ["=base64", "*=no''utf-8"])
def test_asgi_servers_read_addresses_as_utf8_too(charset: str) -> None:
    statuses: list[int] = []

    events = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for event in events:
            return event
        await asyncio.sleep(60)  # the client stays connected until the handler cancels this call
        return {"type": "http.disconnect"}

    async def send(event: dict[str, Any]) -> None:
        if "status" in event:
            statuses.append(event["status"])

    scope = {
        "type": "http", "method": "GET", "path": "/healthz", "query_string": b"a=b", "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"content-type", f"text/plain; charset{charset}".encode())],
    }  # fmt: skip
    asyncio.run(Utf8ASGIHandler()(scope, receive, send))
    assert statuses == [200]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("multipart/form-data; boundary=x; charset=base64", 'multipart/form-data; boundary="x"'),
        ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x"),
        ("application/json; charset=UTF-8", "application/json"),
        ("text/plain; charset*=nowhere''x", ""),
        ("", ""),
    ],
)
def test_a_content_type_keeps_what_can_be_read(sent: str, read: str) -> None:
    assert utf8_content_type(sent) == read


def test_a_session_key_with_an_escaped_nul_is_no_session(admin: Client) -> None:
    request = OddRequest(
        page="timeline", method="GET", path="/admin/timeline/", query="",
        headers={"HTTP_COOKIE_ODD": '"\\000aaaaaaaaaaaa"'},
    )  # fmt: skip
    assert failure(admin, request) == ""


def test_the_dashboard_shows_ten_years_at_most(admin: Client) -> None:
    for query in ({"since": "9999-12-31"}, {"since": "9999-12-31", "until": "0001-01-01"}, {"since": "0001-01-01"}):
        period = admin.get("/admin/", query).context["period"]
        assert period.last - period.first <= timedelta(weeks=521), query


def test_an_action_on_rows_that_exist_still_works(admin: Client) -> None:
    item = SkippedItem.objects.get()
    admin.post("/admin/core/skippeditem/", {"action": "retry", "_selected_action": str(item.pk)})
    item.refresh_from_db()
    assert item.retry_requested_at is not None


def test_filters_that_pages_link_to_still_work(admin: Client) -> None:
    for address in (
        "core/activity/?source_system=github", "core/activity/?occurred_at__gte=2025-06-02+00:00:00%2B00:00",
        "core/skippeditem/?cleared=no", "core/indexentry/?state__exact=failed", "core/skippeditem/?run__id__exact=1",
        "discord_activity_tracker/message/?author__id__exact=5", "github_activity_tracker/issue/?repository__named=a/b",
        "github_activity_tracker/issue/?deleted_at__isnull=True", "auth/user/?is_staff__exact=1",
        "core/alert/?resolved_at__isnull=True", "discord_activity_tracker/channel/?gap__isempty=1",
    ):  # fmt: skip
        assert admin.get(f"/admin/{address}").status_code == 200, address


def test_the_harness_counts_an_error_of_the_server(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.pages.timeline.activities", lambda asked: 1 / 0)
    request = OddRequest(page="timeline", method="GET", path="/admin/timeline/", query="")
    assert "ZeroDivisionError" in failure(admin, request)
    assert not got_request_exception.has_listeners()


@pytest.mark.slow
def test_ten_thousand_odd_requests_find_no_error(admin: Client) -> None:
    random, known = Random(SEED), routes()
    failed: dict[str, Any] = {}
    pages = Counter[str]()
    for number in range(NUMBER):
        route: Route = known[number // 2 % len(known)] if number % 2 else random.choice(_busy(known))
        request = odd_request(random, route)
        pages[route.name] += 1
        if found := failure(admin, request):
            failed.setdefault(found, request)
    assert failed == {}
    assert len(pages) == len(known) or 2 * len(known) > NUMBER


def _busy(known: list[Route]) -> list[Route]:
    """Return the routes of pages that read many parameters. Every second request uses one of these routes."""
    return [route for route in known if route.model is None or route.name.partition(" ")[0].endswith("changelist")]


MOMENTS = st.datetimes(timezones=st.timezones() | st.just(UTC))


@given(st.text() | MOMENTS.map(lambda found: f"{found.isoformat()}~1"))
def test_a_cursor_is_a_time_in_utc_or_nothing(text: str) -> None:
    found = parameters.cursor(text)
    assert found is None or (found[0].utcoffset() == timedelta(0) and found[1] > 0)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, parameters.HIGHEST_ID))
def test_a_cursor_is_read_as_it_was_written(moment: datetime, pk: int) -> None:
    assert parameters.cursor(parameters.cursor_text(moment, pk)) == (moment, pk)


@given(st.text(st.characters(categories=["Nd", "No", "Lu"])) | st.integers().map(str))
def test_an_id_is_a_key_of_a_row_or_nothing(text: str) -> None:
    found = parameters.row_id(text)
    assert found is None or (text.isascii() and 0 < found < 2**63 and int(text) == found)
    assert 1 <= parameters.whole_number(text, lowest=1, highest=9, default=4) <= 9


@given(st.text(st.characters()))
def test_a_text_can_be_stored(text: str) -> None:
    found = parameters.free_text(text, 100)
    assert "\0" not in found.encode().decode()
    assert len(found) <= 100


@given(st.dates())
def test_a_day_leaves_room_for_weeks_and_years(day: date) -> None:
    found = parameters.DayField("From").clean(f"{day:%Y}".zfill(4) + f"-{day:%m-%d}")
    assert found is not None
    assert found - timedelta(weeks=1100) < found < found + timedelta(weeks=1100)
    assert parameters.midnight_after(found) > parameters.midnight(found)


def test_a_cookie_and_a_query_are_cleaned_before_any_page_reads_them(admin: Client) -> None:
    answer = admin.get("/admin/timeline/", {"words": "tide\0", "name\0": "x"})
    assert answer.wsgi_request.GET.dict() == {"words": "tide", "name": "x"}
