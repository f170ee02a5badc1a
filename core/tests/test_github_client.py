"""Tests of requests to GitHub: tokens, limits, pages and redirects."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.errors import AccessDenied, NotFound, ReplaceToken, RetryLater, UnexpectedAnswer
from core.operations.bounds import Allowance
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Transport
from samples.server import SampleServer
from tests.support.scripted_server import JSON, Reply, ScriptedServer

ALICE, BOB = "ghp_alice_secret", "ghp_bob_secret"
SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)


def client_of(server: SampleServer, *users: str) -> tuple[GitHubClient, list[float]]:
    """Return a client of the sample server, and the list that records the client's pauses in seconds."""
    slept: list[float] = []
    transport = Transport(Allowance(), sleep=slept.append)
    return GitHubClient(server.url, TokenPool([server.token(user) for user in users]), transport), slept


def test_a_token_goes_to_no_other_host(script: ScriptedServer) -> None:
    with ScriptedServer() as elsewhere:
        for where in (f"{elsewhere.url}/x", elsewhere.url.replace("http:", "https:"), f"//{elsewhere.url[7:]}/x"):
            script.replies = [Reply(302, {"Location": where}, b"")]
            with pytest.raises((UnexpectedAnswer, NotFound)):
                script.client(ALICE).get("/x")
        assert elsewhere.seen == []


def test_a_redirect_on_the_same_host_is_followed(script: ScriptedServer) -> None:
    script.replies = [Reply(301, {"Location": f"{script.url}/repositories/1"}, b""), Reply(body=b"{}")]
    assert script.client(ALICE).get("/x").data == {}
    assert script.paths == ["/x", "/repositories/1"]


def test_a_circle_of_redirects_ends(script: ScriptedServer) -> None:
    script.replies = [Reply(302, {"Location": f"{script.url}/x"}, b"")]
    with pytest.raises(NotFound) as raised:
        script.client().get("/x")
    assert raised.value.reason == "moved"


def test_a_circle_of_pages_is_an_error(script: ScriptedServer) -> None:
    script.replies = [Reply(headers=JSON | {"Link": f'<{script.url}/x?after=A>; rel="next"'})]
    with pytest.raises(UnexpectedAnswer, match="form a loop"):
        list(script.client().pages("/x"))
    assert len(script.seen) == 2


def test_an_etag_shows_that_a_page_is_unchanged(script: ScriptedServer) -> None:
    script.replies = [Reply(304, {}, b"")]
    assert script.client().get("/x", etag='W/"1"').unchanged
    assert script.seen[0]["If-None-Match"] == 'W/"1"'


def test_the_last_refused_token_names_the_variable_only(script: ScriptedServer) -> None:
    script.replies = [Reply(401, body=b"{}")]
    with pytest.raises(ReplaceToken, match="GITHUB_TOKENS") as refused:
        script.client(ALICE).get("/x")
    assert ALICE not in f"{refused.value!r} {refused.value.__context__!r}"


@pytest.mark.parametrize(("status", "reason"), [(404, "not_found"), (410, "gone"), (409, "empty"), (451, "blocked")])
def test_a_missing_item_has_a_reason(script: ScriptedServer, status: int, reason: str) -> None:
    script.replies = [Reply(status, body=b"{}")]
    with pytest.raises(NotFound) as absent:
        script.client().get("/x")
    assert (absent.value.status, absent.value.reason) == (status, reason)


def test_a_403_without_a_limit_is_denied_without_a_wait(script: ScriptedServer) -> None:
    script.replies = [Reply(403, body=b'{"message": "Resource not accessible"}')]
    with pytest.raises(AccessDenied, match="not accessible"):
        script.client(ALICE).get("/x")
    assert script.slept == []


@pytest.mark.parametrize("after", [3, SOON], ids=["seconds", "date"])
def test_a_secondary_limit_is_waited_for(sample_server: SampleServer, after: int | str) -> None:
    client, slept = client_of(sample_server, "alice")
    sample_server.fail("secondary", retry_after=after)
    assert client.get("/user").data
    assert len(slept) == 1
    assert 0 < slept[0] <= (40 if after == SOON else 3)


def test_another_account_replaces_an_exhausted_one(sample_server: SampleServer) -> None:
    client, slept = client_of(sample_server, "alice", "bob")
    sample_server.fail("primary")
    assert client.get("/user").data["login"] == "bob"
    assert slept == []


def test_a_long_limit_reports_its_end(sample_server: SampleServer) -> None:
    client, slept = client_of(sample_server, "alice")
    sample_server.set_quota("alice", remaining=0, reset_in=3000)
    with pytest.raises(RetryLater, match="UTC") as later:
        client.get("/user")
    assert later.value.not_before is not None
    assert timedelta(minutes=45) < later.value.not_before - datetime.now(UTC) < timedelta(minutes=55)
    assert slept == []
