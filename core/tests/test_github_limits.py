"""Tests of GitHub's limits in all known forms: the length of the wait, and the APIs and tokens that must wait."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RetryLater, SliceRefused, UnexpectedAnswer
from core.operations.github_ops.answers import graphql_answer
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.limits import LONGEST, Quota, ServerClock, limit_of, reset_time, whole_number
from core.operations.github_ops.tokens import CORE, GRAPHQL
from core.operations.http import Response
from tests.support.scripted_server import JSON, Reply, ScriptedServer

NOW = 1_800_000_000.0
ALICE, BOB = "ghp_alice_secret", "ghp_bob_secret"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."


def date(seconds: float) -> str:
    """Return the HTTP date that is ``seconds`` after ``NOW``."""
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)


def answer(status: int, body: object = None, **headers: object) -> Response:
    """Return a response of GitHub. Keywords are header names, with underscores instead of hyphens."""
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Response(status=status, headers=named, body=raw, url="http://h/", parsed=body if status == 200 else None)


def window(remaining: object, reset_in: float) -> dict[str, object]:
    """Return the headers of a rate-limit window that ends ``reset_in`` seconds after ``NOW``."""
    return {"x_ratelimit_remaining": remaining, "x_ratelimit_reset": int(NOW + reset_in)}


@pytest.mark.parametrize(
    ("response", "wait", "everywhere"),
    [
        (answer(429, retry_after=7), 7, True),
        (answer(403, retry_after=date(40)), 40, True),
        (answer(403, retry_after=date(-86400)), 1, True),
        (answer(403, retry_after="soon"), 60, True),
        (answer(403, retry_after="-5"), 60, True),
        (answer(403, retry_after="1.5"), 60, True),
        (answer(403, retry_after=60, **window(0, 3000)), 60, True),
        (answer(403, **window(0, 30)), 31, False),
        (answer(429, {"message": "API rate limit exceeded for user ID 1."}, **window(0, 90)), 91, False),
        (answer(403, {"message": SECONDARY}, **window(4000, 3000)), 60, True),
        (answer(403, {"message": ABUSE}), 60, True),
        (answer(429), 60, True),
        (answer(200, {"errors": [{"message": SECONDARY}]}), 60, True),
        (answer(200, {"message": SECONDARY, "documentation_url": "https://docs"}, retry_after=9), 9, True),
        (answer(200, {"data": None, "errors": [{"type": "ABUSE", "message": ABUSE}]}), 60, True),
        (answer(200, {"errors": [{"type": "RATE_LIMITED", "message": "used up"}]}, **window(0, 90)), 91, False),
        (answer(200, {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit"}]}), 60, False),
    ],
)
def test_a_limit_says_how_long_to_wait_and_whether_both_apis_are_concerned(
    response: Response, wait: float, everywhere: bool
) -> None:
    limit = limit_of(response, NOW)
    assert limit is not None
    assert (limit.wait, limit.shared, limit.everywhere) == (wait, wait, everywhere)


@pytest.mark.parametrize(
    "response",
    [
        answer(200),
        answer(200, {"data": {"node": {"title": SECONDARY}}}),
        answer(200, {"id": 1, "message": SECONDARY, "body": "rate limit"}),
        answer(200, {"data": {"a": 1}, "errors": [{"type": "FORBIDDEN", "path": ["b"], "message": SECONDARY}]}),
        answer(401, {"message": "Bad credentials"}),
        answer(403, {"message": "Resource not accessible by personal access token"}),
        answer(403, {"message": "denied"}, **window("nan", 30)),
        answer(404, {"message": "Not Found"}),
    ],
)
def test_other_answers_cause_no_wait(response: Response) -> None:
    assert limit_of(response, NOW) is None


def test_waits_of_unknown_length_grow() -> None:
    limits = [limit_of(answer(403, {"message": SECONDARY}), NOW, attempt) for attempt in range(3)]
    assert [limit.wait for limit in limits if limit] == [60, 120, 240]


@pytest.mark.parametrize("after", [172_800, 10**11, "9" * 40, date(30 * 86400)])
def test_an_implausible_wait_is_limited_and_reported(after: object) -> None:
    limit = limit_of(answer(403, {"message": SECONDARY}, retry_after=after), NOW)
    assert limit is not None
    assert (limit.wait, limit.shared) == (LONGEST, 60)
    assert "seconds" in limit.words


@pytest.mark.parametrize("garbage", ["", "-1", "abc", "1.5", "1e99", "nan", "5, 5", "²", "٣", "9" * 30, None])
def test_garbage_in_limit_headers_counts_as_unknown(garbage: object) -> None:
    assert whole_number(garbage) is None
    quota = Quota("alice")
    now = time.time()
    for headers in (
        {"x-ratelimit-remaining": str(garbage), "x-ratelimit-reset": str(int(now + 60))},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(garbage)},
    ):
        quota.note(CORE, headers)
    assert quota.pool(CORE).ready_at == 0


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.sampled_from([200, 403, 429]))
def test_no_header_causes_an_error_or_a_long_wait(a: str, b: str, c: str, status: int) -> None:
    limit = limit_of(answer(status, retry_after=a, x_ratelimit_remaining=b, x_ratelimit_reset=c), NOW)
    assert limit is None or 0 < limit.wait <= LONGEST


def test_a_reset_beyond_every_window_is_unknown() -> None:
    assert reset_time({"x-ratelimit-reset": str(int(NOW + 7200))}, NOW) is None


@pytest.mark.parametrize("skew", [-3600, -120, 0, 0.4, 120, 3600, 1e6])
def test_reset_times_are_read_by_githubs_clock(skew: float) -> None:
    clock = ServerClock()
    now = time.time()
    clock.observe(format_datetime(datetime.fromtimestamp(now + skew, UTC), usegmt=True), now - 0.2, now)
    quota = Quota("alice")
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(now + skew + 300))}
    quota.note(CORE, headers, clock.offset)
    assert 298 <= quota.pool(CORE).ready_at - now <= 303


def test_a_window_stays_one_window_while_answers_take_long() -> None:
    """Check that slow responses do not change the clock estimate, although their dates are old when they arrive."""
    clock = ServerClock()
    offsets: set[float] = set()
    for second in range(20):
        sent = NOW + second * 30 + 0.3
        clock.observe(format_datetime(datetime.fromtimestamp(sent + second % 5, UTC), usegmt=True), sent, sent + 9)
        offsets.add(clock.offset)
    assert offsets == {0.0}


@pytest.mark.parametrize("garbage", ["", "yesterday", "Wed, 99 Foo 2015 07:28:00 GMT", "0", "1e9"])
def test_an_invalid_date_changes_no_clock(garbage: str) -> None:
    clock = ServerClock()
    clock.observe(garbage, NOW, NOW)
    assert clock.offset == 0


def ask(client: GitHubClient) -> object:
    """Send a short GraphQL query and return the data of the response."""
    return client.query("{ viewer { login } }").data


@pytest.mark.parametrize(
    "limited",
    [
        Reply(body=json.dumps({"errors": [{"message": SECONDARY}]}).encode()),
        Reply(body=json.dumps({"message": ABUSE}).encode()),
        Reply(403, body=json.dumps({"message": ABUSE}).encode()),
        Reply(403, JSON | {"Retry-After": "70"}, b"{}"),
    ],
    ids=["errors", "bare message", "abuse", "retry-after"],
)
@pytest.mark.parametrize("over", ["rest", "graphql"])
def test_a_secondary_limit_rests_the_token_for_both_apis_and_is_published_before_the_wait(
    script: ScriptedServer, limited: Reply, over: str
) -> None:
    script.replies = [limited, Reply(body=b'{"data": {}}')]
    client = script.client(ALICE)
    known: list[tuple[float, float]] = []
    quota = client.tokens.choose("").quota  # type: ignore[union-attr]  # there is one token
    client.sender.publish = lambda: known.append((quota.pool(CORE).not_before, quota.pool(GRAPHQL).not_before))
    if over == "rest" and limited.status == 200:
        script.replies[0] = Reply(403, body=limited.body)
    client.get("/x") if over == "rest" else ask(client)
    assert len(script.slept) == 1
    assert 55 < script.slept[0] <= 70
    assert all(moment > time.time() + 50 for moment in known[0])


def test_retry_after_takes_precedence_over_a_later_reset(script: ScriptedServer) -> None:
    headers = {"Retry-After": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + 3000))}
    script.replies = [Reply(403, JSON | headers, b"{}"), Reply()]
    script.client(ALICE).get("/x")
    assert script.slept
    assert script.slept[0] <= 20


def test_after_an_implausible_wait_another_token_is_used_or_the_run_ends(script: ScriptedServer) -> None:
    script.replies = [Reply(403, JSON | {"Retry-After": "259200"}, b"{}"), Reply()]
    both = script.client(ALICE, BOB)
    assert both.get("/x").data == []
    assert script.slept == []
    assert "259,200 seconds" in both.notices[0]
    assert ALICE not in both.notices[0]
    script.replies = [Reply(403, JSON | {"Retry-After": "259200"}, b"{}"), Reply()]
    with pytest.raises(RetryLater, match="259,200 seconds") as later:
        script.client(ALICE).get("/x")
    assert later.value.not_before is not None
    assert later.value.not_before <= datetime.now(UTC) + timedelta(seconds=LONGEST + 1)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "SERVICE_UNAVAILABLE", "message": "service unavailable"},
        {"message": "timedout"},
        {"type": "INVENTED_NEXT_YEAR", "message": "?"},
        {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."},
        None,
        {},
        "words",
    ],
)
def test_a_temporary_error_asks_for_a_smaller_query(error: object) -> None:
    for body in ({"errors": [error]}, {"data": None, "errors": [error]}, {"data": {"node": {}}, "errors": [error]}):
        with pytest.raises(SliceRefused):
            graphql_answer(body)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Field 'x' doesn't exist on type 'Issue'", "extensions": {"code": "undefinedField"}},
        {"message": "No such type XEvent, so it can't be a fragment condition", "path": ["query"]},
        {"message": 'Parse error on "}" (RCURLY) at [1, 2]'},
    ],
)
def test_an_error_about_the_text_of_a_query_is_not_repeated(error: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        graphql_answer({"errors": [error]})
