"""Tests of requests to a local server that fails in many ways."""

import pytest

from core.errors import (
    BudgetExhausted,
    SourceTimeout,
    SourceUnavailable,
    UnexpectedAnswer,
    classify_failure,
)
from core.operations import http
from core.operations.bounds import Allowance
from core.operations.http import Response, Transport
from tests.support.scripted_server import JSON, Reply, ScriptedServer

GOOD = Reply(body=b'{"id": 1}')
TEMPORARY = {
    "a gateway's error": Reply(502, {}, b""),
    "half of the JSON": Reply(body=b'{"half": '),
    "less than announced": Reply(headers=JSON | {"Content-Length": "100"}, body=b'{"id"'),
    "a page for people": Reply(headers={"Content-Type": "text/html"}, body=b"<html>unicorn</html>"),
    "an empty body": Reply(body=b""),
    "a broken connection": Reply(reset=True),
    "silence": Reply(delay=2),
}


def get(script: ScriptedServer, **options: float) -> Response:
    """Request a URL that contains a secret through a transport with these options, and return the response."""
    return script.transport(**options).request("GET", f"{script.url}/x?token=hidden-word", headers={})  # pyright: ignore[reportArgumentType]  # whole numbers or not


@pytest.mark.parametrize("bad", TEMPORARY.values(), ids=TEMPORARY)
def test_temporary_failures_are_retried(script: ScriptedServer, bad: Reply) -> None:
    script.replies = [bad, GOOD]
    assert get(script, timeout=1).json() == {"id": 1}
    assert len(script.seen) == 2


def test_each_retry_has_a_short_pause(script: ScriptedServer) -> None:
    script.replies = [Reply(503, {}, b"")]
    with pytest.raises(SourceUnavailable, match="503"):
        get(script, attempts=6)
    assert len(script.seen) == 6
    assert len(script.slept) == 5
    assert all(0.2 <= pause <= 8 for pause in script.slept)
    assert script.slept[-1] > script.slept[0] / 2


@pytest.mark.parametrize(
    ("bad", "error", "category"),
    [
        (Reply(delay=0.25), SourceTimeout, "timeout"),
        (Reply(reset=True), SourceUnavailable, "network"),
        (Reply(500, {}, b""), SourceUnavailable, "network"),
    ],
)
def test_a_permanent_failure_is_an_error_without_the_query(
    script: ScriptedServer, bad: Reply, error: type[Exception], category: str
) -> None:
    script.replies = [bad]
    with pytest.raises(error) as raised:
        get(script, timeout=0.1, attempts=2)
    assert classify_failure(raised.value) == category
    assert "hidden-word" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 422, 429, 451])
def test_a_definite_answer_is_requested_once(script: ScriptedServer, status: int) -> None:
    script.replies = [Reply(status, JSON | {"Location": "https://elsewhere.example/"}, b"{}")]
    assert get(script).status == status
    assert len(script.seen) == 1


def test_an_answer_that_is_too_large_is_abandoned_at_once(
    script: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST", 1000)
    script.replies = [Reply(body=b"x" * 2000)]
    with pytest.raises(UnexpectedAnswer, match="more than 1000 bytes"):
        get(script)
    assert len(script.seen) == 1


def test_a_missing_host_is_unavailable() -> None:
    with pytest.raises((SourceUnavailable, SourceTimeout)) as raised:
        Transport(Allowance(), attempts=2, sleep=lambda seconds: None, timeout=(0.2, 0.2)).request(
            "GET", "http://127.0.0.1:9/x", headers={}
        )
    assert raised.value.__cause__ is not None


def test_retries_count_against_the_budget_of_requests(script: ScriptedServer) -> None:
    script.replies = [Reply(502, {}, b"")]
    with pytest.raises(BudgetExhausted, match="max-requests"):
        get(script, max_requests=2, attempts=9)
    assert len(script.seen) == 2


def test_after_the_deadline_no_request_is_made(script: ScriptedServer) -> None:
    with pytest.raises(BudgetExhausted, match="max-seconds"):
        get(script, max_seconds=0)
    assert script.seen == []


def test_a_pause_that_would_pass_the_deadline_ends_the_run_instead(script: ScriptedServer) -> None:
    with pytest.raises(BudgetExhausted):
        script.transport(max_seconds=5).pause(60)
    assert script.slept == []


def test_a_body_other_than_json_is_unexpected(script: ScriptedServer) -> None:
    script.replies = [Reply(headers={"Content-Type": "text/plain"}, body=b"hello")]
    with pytest.raises(UnexpectedAnswer, match="not JSON"):
        get(script).json()
