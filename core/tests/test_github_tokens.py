"""Tests of the choice between tokens: permanent and temporary refusals, and the repositories that a token can read."""

import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import AccessDenied, NotFound, TokensRefused, exit_code_for
from core.models import Checkpoint
from core.operations.bounds import Allowance
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.git import GitMirror
from core.operations.github_ops.tokens import FORGET_AFTER, Access, TokenPool
from core.operations.http import Transport
from tests.support.scripted_server import Reply, ScriptedServer

ALICE, BOB, CAROL = "ghp_alice_secret", "github_pat_bob_secret", "ghs_carol_secret"
BAD = Reply(401, body=b'{"message": "Bad credentials"}')


class Routed(ScriptedServer):
    """A server that records each request, and returns the reply that ``rule`` gives for the token and the path."""

    def __init__(self, rule: Callable[[str, str], Reply]) -> None:
        super().__init__()
        self.rule = rule
        self.asked: list[tuple[str, str]] = []

    def answer_for(self, headers: dict[str, str], path: str) -> Reply:
        """Record the request, and return the reply that ``rule`` gives for its token and path."""
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        self.asked.append((token, path))
        return self.rule(token, path)


@pytest.fixture
def routed() -> Iterator[Callable[[Callable[[str, str], Reply]], Routed]]:
    running: list[Routed] = []

    def start(rule: Callable[[str, str], Reply]) -> Routed:
        running.append(Routed(rule))
        running[-1].__enter__()
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


def sees(**owners: tuple[str, ...]) -> Callable[[str, str], Reply]:
    """Return a rule that lets each user's token read only the repositories of the owners listed for this user."""

    def rule(token: str, path: str) -> Reply:
        user, owner = token.split("_")[-2], path.split("/")[2] if path.startswith("/repos/") else ""
        return Reply() if owner in owners.get(user, ()) else Reply(404, body=b'{"message": "Not Found"}')

    return rule


@pytest.mark.parametrize("token", [ALICE, BOB, CAROL])
def test_one_refusal_is_retried_seconds_later(script: ScriptedServer, token: str) -> None:
    script.replies = [BAD, Reply()]
    client = script.client(token)
    assert client.get("/x").data == []
    assert 2 < sum(script.slept) <= 4
    assert not client.tokens.is_empty
    assert client.notices == []


def test_single_refusals_far_apart_do_not_add_up(script: ScriptedServer) -> None:
    client = script.client(ALICE)
    for _ in range(5):
        script.replies = [BAD, Reply()]
        client.get("/x")
    assert not client.tokens.is_empty


def test_two_refusals_end_the_run_with_2_and_name_the_variable_and_the_masked_token(script: ScriptedServer) -> None:
    script.replies = [BAD]
    with pytest.raises(TokensRefused, match="GITHUB_TOKENS") as refused:
        script.client(ALICE).get("/x")
    assert len(script.seen) == 2
    assert exit_code_for(refused.value) == 2
    assert "***cret" in str(refused.value)
    assert ALICE not in f"{refused.value!r} {refused.value.__context__!r}"


def test_another_token_is_used_meanwhile_without_a_pause(script: ScriptedServer) -> None:
    script.replies = [BAD, Reply()]
    client = script.client(ALICE, BOB)
    client.get("/x")
    client.get("/y")
    first, second, third = (seen["Authorization"] for seen in script.seen)
    assert first != second == third
    assert script.slept == []


def test_a_revoked_token_among_several_stops_nothing_and_is_reported(
    routed: Callable[..., Routed], caplog: pytest.LogCaptureFixture
) -> None:
    server = routed(lambda token, path: BAD if token == BOB else Reply())
    client = server.client(BOB, ALICE)
    assert client.get("/x").data == []
    assert "GitHub refused ***cret once" in caplog.text
    refused_once = client.tokens.by_key(client.tokens.keys[0])
    assert refused_once is not None
    refused_once.confirm_at = 1.0  # as if enough time had passed to confirm the refusal
    assert client.get("/x").data == client.get("/x").data == []
    assert [token for token, _ in server.asked] == [BOB, ALICE, BOB, ALICE, ALICE]
    assert "***cret" in client.notices[0]
    assert BOB not in caplog.text + client.notices[0]


def test_a_token_that_sees_another_owner_is_found_and_remembered(routed: Callable[..., Routed]) -> None:
    server = routed(sees(alice=("left",), bob=("right",)))
    client = server.client(ALICE, BOB)
    for path in ("/repos/left/a", "/repos/right/b", "/repos/right/b/issues", "/repos/right/c", "/repos/right/c/labels"):
        assert client.get(path, scope="/".join(path.split("/")[2:4])).data == []
    assert server.asked == [
        (ALICE, "/repos/left/a"), (ALICE, "/repos/right/b"), (BOB, "/repos/right/b"), (BOB, "/repos/right/b/issues"),
        (BOB, "/repos/right/c"), (BOB, "/repos/right/c/labels"),
    ]  # fmt: skip


def test_the_first_request_may_be_for_a_part_of_the_repository(routed: Callable[..., Routed]) -> None:
    server = routed(sees(bob=("right",)))
    client = server.client(ALICE, BOB)
    assert client.get("/repos/right/b/issues/7", scope="right/b").data == []
    assert server.asked[-1] == (BOB, "/repos/right/b/issues/7")


def test_a_deleted_item_is_requested_once(routed: Callable[..., Routed]) -> None:
    def rule(token: str, path: str) -> Reply:
        return Reply(404, body=b"{}") if path.endswith("/issues/7") else Reply()

    server = routed(rule)
    client = server.client(ALICE, BOB)
    client.get("/repos/a/b", scope="a/b")
    with pytest.raises(NotFound):
        client.get("/repos/a/b/issues/7", scope="a/b")
    assert [path for _, path in server.asked].count("/repos/a/b/issues/7") == 1


def test_a_deleted_repository_costs_one_request_a_token_and_later_one(routed: Callable[..., Routed]) -> None:
    server = routed(sees())
    client = server.client(ALICE, BOB, CAROL)
    for requests in (3, 4, 5):
        with pytest.raises(NotFound):
            client.get("/repos/a/gone", scope="a/gone")
        assert len(server.asked) == requests


@pytest.mark.parametrize("area", ["issues", "pulls", "labels"])
def test_a_part_that_one_token_may_not_read_is_read_with_another(routed: Callable[..., Routed], area: str) -> None:
    def rule(token: str, path: str) -> Reply:
        denied = token == ALICE and path.startswith(f"/repos/a/b/{area}")
        return Reply(403, body=b'{"message": "Resource not accessible"}') if denied else Reply()

    server = routed(rule)
    client = server.client(ALICE, BOB)
    client.get("/repos/a/b", scope="a/b")
    for _ in range(3):
        assert client.get(f"/repos/a/b/{area}", scope="a/b").data == []
    assert [token for token, path in server.asked if path.endswith(area)] == [ALICE, BOB, BOB, BOB]


def test_a_part_that_no_token_may_read_reports_the_answer_of_github(routed: Callable[..., Routed]) -> None:
    server = routed(
        lambda token, path: Reply(403, body=b'{"message": "Disabled by policy"}') if "labels" in path else Reply()
    )
    client = server.client(ALICE, BOB)
    for _ in range(2):
        with pytest.raises(AccessDenied, match="Disabled by policy"):
            client.get("/repos/a/b/labels", scope="a/b")
    assert len([path for _, path in server.asked if path.endswith("labels")]) == 3


def test_a_repository_of_a_refused_token_does_not_count_as_deleted(routed: Callable[..., Routed]) -> None:
    revoked: list[str] = []

    def rule(token: str, path: str) -> Reply:
        return BAD if token in revoked else sees(alice=("left",))(token, path)

    server = routed(rule)
    client = server.client(ALICE, BOB)
    client.get("/repos/left/a", scope="left/a")
    revoked.append(ALICE)
    for path in ("/repos/left/a/issues/1", "/repos/left/a/issues/2", "/repos/left/a"):
        with pytest.raises(AccessDenied, match="refuses the token that saw left/a"):
            client.get(path, scope="left/a")
    for number in (1, 2):
        assert (BOB, f"/repos/left/a/issues/{number}") not in server.asked


def test_with_tokens_no_request_is_anonymous(routed: Callable[..., Routed]) -> None:
    server = routed(sees())
    with pytest.raises(NotFound):
        server.client(ALICE, BOB).get("/repos/a/b", scope="a/b")
    assert all(token for token, _ in server.asked)


@pytest.mark.django_db
def test_later_runs_know_which_token_sees_what_and_store_no_secret(routed: Callable[..., Routed]) -> None:
    server = routed(sees(alice=("left",), bob=("right",)))

    def run(*paths: str) -> int:
        client, before = server.client(ALICE, BOB), len(server.asked)
        client.share_budgets(everything=True)
        for path in paths:
            try:
                client.get(f"/repos/{path}", scope=path)
            except NotFound:
                continue
        client.share_budgets(everything=True)
        return len(server.asked) - before

    assert run("right/b", "right/c", "left/a", "nowhere/gone") == 6
    assert run("right/b", "right/c", "left/a", "nowhere/gone") == 4
    saved = Checkpoint.objects.get(scope="tokens")
    assert "secret" not in str(saved.extras)


@pytest.mark.django_db
@pytest.mark.parametrize("granted", ["alice", "bob", "carol"])
def test_a_permission_that_is_granted_later_is_found_in_a_few_runs(routed: Callable[..., Routed], granted: str) -> None:
    """Check that the permitted token is found, although all tokens were refused before.

    Each run tries one of the refused tokens with one request.
    """
    owners: dict[str, tuple[str, ...]] = {}
    server = routed(lambda token, path: sees(**owners)(token, path))

    def sees_it() -> bool:
        client = server.client(ALICE, BOB, CAROL)
        client.share_budgets(everything=True)
        try:
            client.get("/repos/new/a", scope="new/a")
        except NotFound:
            return False
        finally:
            client.share_budgets(everything=True)
        return True

    assert not sees_it()
    owners[granted] = ("new",)
    before = len(server.asked)
    assert any(sees_it() for _ in range(3))
    assert len(server.asked) - before <= 3
    assert sees_it()


def test_a_token_is_tried_again_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access()
    access.note_hidden("A/b", "1")
    assert access.is_refused("a/B", "", "1")
    later = time.time() + FORGET_AFTER + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert not access.is_refused("a/b", "", "1")


def test_netrc_replaces_no_token(script: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login eve password from-netrc\ndefault login eve password from-netrc\n")
    netrc.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    script.client(ALICE).get("/x")
    script.transport().request("POST", f"{script.url}/y", headers={"Authorization": "Bearer key"}, body={})
    script.client().get("/z")
    assert [seen.get("Authorization") for seen in script.seen] == [f"Bearer {ALICE}", "Bearer key", None]
    mirror = GitMirror(f"{script.url}/a/b.git", tmp_path / "mirror")
    script.replies = [BAD]
    for token in (None, ALICE):
        mirror.use(token)
        done = subprocess.run(
            ["git", "ls-remote", mirror.url], env=mirror.environment, check=False, capture_output=True
        )
        assert done.returncode
    sent = {str(seen.get("Authorization")) for seen in script.seen[3:]}
    assert not any("ZXZlOmZyb20tbmV0cmM" in header for header in sent)  # base64 of eve:from-netrc
    assert any(header.startswith("Basic ") for header in sent)


def test_a_user_and_password_in_an_address_are_used_where_there_is_no_token(script: ScriptedServer) -> None:
    url = script.url.replace("//", "//user:word@")
    Transport(Allowance()).request("GET", f"{url}/x", headers={})
    GitHubClient(url, TokenPool([ALICE]), Transport(Allowance())).get("/y")
    assert [seen["Authorization"] for seen in script.seen] == ["Basic dXNlcjp3b3Jk", f"Bearer {ALICE}"]


def test_installation_tokens_share_no_quota_with_their_account() -> None:
    pool = TokenPool([CAROL, "ghs_other_secret", ALICE, BOB])
    tokens: list[Any] = [pool.by_key(key) for key in pool.keys]
    for token in tokens:
        pool.identify(token, "carol")
    assert len({id(token.quota) for token in tokens}) == 3
