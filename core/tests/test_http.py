"""Requests against a small local server that misbehaves."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.errors import BudgetExhausted, NotFound, ReplaceToken, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Allowance, Transport

Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


class Script:
    """What the server answers, one reply a request; the last one is repeated."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.seen: list[dict[str, str]] = []
        self.url = ""


@pytest.fixture
def script() -> Iterator[Script]:
    """A running server."""
    told = Script()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.seen.append(dict(self.headers))
            status, headers, body = told.replies.pop(0) if len(told.replies) > 1 else told.replies[0]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def client(script: Script, *tokens: str, attempts: int = 3, **allowed: Any) -> GitHubClient:
    """A client that does not sleep."""
    transport = Transport(Allowance(**allowed), attempts=attempts, sleep=lambda seconds: None, timeout=(1, 1))
    return GitHubClient(script.url, TokenPool(list(tokens)), transport)


@pytest.mark.parametrize("bad", [(502, {}, b""), (200, JSON, b'{"half": '), (200, {}, b"<html>unicorn</html>")])
def test_what_fails_in_passing_is_asked_again(script: Script, bad: Reply) -> None:
    script.replies = [bad, (200, JSON, b'{"id": 1}')]
    assert client(script).get("/x").data == {"id": 1}
    assert len(script.seen) == 2


def test_what_keeps_failing_is_an_error(script: Script) -> None:
    script.replies = [(503, {}, b"")]
    with pytest.raises(SourceUnavailable, match="503"):
        client(script).get("/x")


def test_a_body_that_is_cut_is_asked_again(script: Script) -> None:
    script.replies = [(200, JSON | {"Content-Length": "100"}, b'{"id"'), (200, JSON, b"[]")]
    assert client(script).get("/x").data == []


def test_a_host_that_is_not_there_is_unavailable() -> None:
    transport = Transport(Allowance(), attempts=2, sleep=lambda seconds: None, timeout=(0.2, 0.2))
    with pytest.raises((SourceUnavailable, SourceTimeout)):
        GitHubClient("http://127.0.0.1:9", TokenPool([]), transport).get("/x")


def test_a_budget_of_requests_is_kept_with_retries(script: Script) -> None:
    script.replies = [(502, {}, b"")]
    with pytest.raises(BudgetExhausted):
        client(script, max_requests=2, attempts=9).get("/x")
    assert len(script.seen) == 2


def test_a_token_goes_to_no_other_host(script: Script) -> None:
    script.replies = [(302, {"Location": "https://elsewhere.example/x"}, b"")]
    with pytest.raises(UnexpectedAnswer, match="another host"):
        client(script, "ghp_alice_secret").get("/x")


def test_a_refused_token_is_dropped_and_the_next_one_asks(script: Script) -> None:
    script.replies = [(401, JSON, b"{}"), (200, JSON, b"[]")]
    assert client(script, "ghp_alice_secret", "ghp_bob_secret").get("/x").data == []
    first, second = (seen["Authorization"] for seen in script.seen)
    assert first != second


def test_the_last_refused_token_names_the_variable_only(script: Script) -> None:
    script.replies = [(401, JSON, b"{}")]
    with pytest.raises(ReplaceToken, match="GITHUB_TOKENS") as refused:
        client(script, "ghp_alice_secret").get("/x")
    assert "alice" not in str(refused.value)


@pytest.mark.parametrize(("status", "reason"), [(404, "not_found"), (410, "gone"), (409, "empty"), (451, "blocked")])
def test_what_is_not_there_has_a_reason(script: Script, status: int, reason: str) -> None:
    script.replies = [(status, JSON, b"{}")]
    with pytest.raises(NotFound) as absent:
        client(script).get("/x")
    assert absent.value.reason == reason


def test_a_limit_is_waited_for_and_then_asked_again(script: Script) -> None:
    script.replies = [(429, JSON | {"Retry-After": "1"}, b"{}"), (200, JSON, b"[]")]
    asked = client(script)
    asked.transport.sleep = lambda seconds: setattr(asked.tokens.choose("").quota.pool("core"), "not_before", 0.0)
    assert asked.get("/x").data == []
