"""Tests of invalid rate-limit headers and waiting times, for example from a proxy in front of Discord."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import RetryLater
from core.operations.discord_ops import RequestBudget, answers, open_client
from tests.support.scripted_server import JSON, Reply, ScriptedServer

LOGIN = {
    "/users/@me": {"id": "1", "username": "bot", "discriminator": "0", "avatar": None},
    "/oauth2/applications/@me": {
        "id": "1",
        "name": "bot",
        "flags": 0,
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "rpc_origins": [],
        "verify_key": "",
        "team": None,
        "owner": {"id": "2", "username": "owner", "discriminator": "0", "avatar": None},
    },
}
GARBLED: dict[str, dict[str, str]] = {
    "words": {"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "some", "X-RateLimit-Reset-After": "soon"},
    "not a number": {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "nan"},
    "a year": {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "31536000"},
    "nothing of the end": {"X-RateLimit-Remaining": "4"},
    "an absurd time": {"X-RateLimit-Remaining": "4", "X-RateLimit-Reset": "9" * 30},
}


class Guilds(ScriptedServer):
    """A server that lets a bot log in. It answers other requests with the next scripted reply."""

    def answer_for(self, headers: dict[str, str], path: str) -> Reply:
        for route, body in LOGIN.items():
            if path.endswith(route):
                return Reply(body=json.dumps(body).encode())
        return super().answer_for(headers, path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guilds]:
    monkeypatch.setattr(answers, "UNKNOWN_WAIT", 0.05)
    with Guilds() as server:
        yield server


def read_twice(server: ScriptedServer) -> list[Any]:
    async def read() -> list[Any]:
        client = await open_client("a.b.c", server.url, budget=RequestBudget(max_seconds=10), per_second=0)
        try:
            return [await client.get("/guilds/{guild_id}/channels", list[Any], guild_id=5) for _ in range(2)]
        finally:
            await client.close()

    return asyncio.run(read())


@pytest.mark.parametrize("headers", GARBLED.values(), ids=GARBLED)
def test_garbled_limit_headers_cost_no_request_and_no_wait(server: Guilds, headers: dict[str, str]) -> None:
    server.replies = [Reply(headers=JSON | headers, body=b"[1]"), Reply(headers=JSON | headers, body=b"[2]")]
    assert read_twice(server) == [[1], [2]]
    assert len([path for path in server.paths if "guilds" in path]) == 2


@pytest.mark.parametrize(
    "body", [b'{"retry_after": "soon"}', b"{}", b'{"retry_after": NaN}', b"[]", b"null", b'{"retry_after": -1}']
)
def test_a_limit_of_unknown_length_is_retried(server: Guilds, body: bytes) -> None:
    limit = Reply(429, JSON | {"Via": "1.1 proxy", "Retry-After": "later"}, body)
    server.replies = [limit, Reply(body=b"[1]"), Reply(body=b"[2]")]
    assert read_twice(server) == [[1], [2]]


@pytest.mark.parametrize("seconds", ["86400000", "1e300"])
def test_an_implausible_wait_ends_the_run_and_delays_later_ones_by_an_hour(server: Guilds, seconds: str) -> None:
    body = b'{"retry_after": %s}' % seconds.encode()
    server.replies = [Reply(429, JSON | {"Via": "1.1 proxy", "Retry-After": seconds}, body)]
    with pytest.raises(RetryLater) as raised:
        read_twice(server)
    assert raised.value.not_before is not None
    assert len([path for path in server.paths if "guilds" in path]) == 1
