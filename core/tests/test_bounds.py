"""Tests that every wait of every client ends when the other side is silent, slow or never stops sending."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core import runs
from core.db.limits import MAINTENANCE, PAGE, WORK, use_limits
from core.errors import BudgetExhausted, CollectorError, SourceTimeout
from core.operations import bounds
from core.operations.bounds import (
    call_within,
    check_time,
    pause,
    run_ends_after,
    run_program,
    wait_seconds,
)
from core.operations.discord_ops import client as discord_client
from core.operations.github_ops.git import GitMirror
from core.operations.pinecone_ops import client
from core.runs import allowed_seconds, time_limit
from tests.support.credential_clients import CLIENTS, SECRET
from tests.support.misbehaving_servers import Peer, dripping_body, dripping_headers, endless, silent

PEERS = {
    "says nothing": silent,
    "drips headers": dripping_headers,
    "drips a body": dripping_body,
    "never stops": endless,
}
SHORT = 0.3
"""Time limit in seconds for a run or a response in these tests. The value is small to keep the tests fast."""
TOLERANCE = 5.0
"""Maximum seconds from a client's time limit until its call ends. A smaller value would fail on a busy machine."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bounds, "GRACE", 0.1)
    monkeypatch.setattr(bounds, "LARGEST", 8 * 1024 * 1024)
    yield
    client.forget_clients()


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_no_client_waits_beyond_the_end_of_the_run(
    client: Callable[[str, Path], None], peer: Callable[[socket.socket], None], tmp_path: Path
) -> None:
    began = time.monotonic()
    with Peer(peer) as server, run_ends_after(SHORT), pytest.raises(CollectorError):
        client(server.url, tmp_path)
    assert time.monotonic() - began < SHORT + TOLERANCE


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
@pytest.mark.parametrize("name", [name for name in CLIENTS if not name.startswith("Slack")])
def test_every_answer_has_a_time_limit_without_a_limit_of_the_run(
    name: str, peer: Callable[[socket.socket], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant in ("ANSWER", "QUERY", "GIT_FETCH"):
        monkeypatch.setattr(bounds, constant, SHORT)
    monkeypatch.setattr(discord_client, "TIMEOUT", SHORT / 2)
    monkeypatch.setattr(discord_client, "ATTEMPTS", 1)
    monkeypatch.setattr(bounds, "pause", lambda seconds, sleep=None: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    began = time.monotonic()
    with Peer(peer) as server, pytest.raises(CollectorError):
        CLIENTS[name](server.url, tmp_path)
    assert time.monotonic() - began < 10 * SHORT + TOLERANCE


def test_a_silent_git_server_ends_the_fetch_and_the_programs_that_git_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "GIT_FETCH", SHORT)
    folder = tmp_path / "mirror.git"
    with Peer(silent) as server:
        with pytest.raises(SourceTimeout):
            GitMirror(f"{server.url}/owner/name.git", folder, SECRET).update()
        commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]
        assert not [command for command in commands if server.url.encode() in command]


def _readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_a_program_that_does_not_end_is_killed_with_its_children() -> None:
    with pytest.raises(TimeoutError):
        run_program(["sh", "-c", "sleep 987 & wait"], seconds=SHORT, env=bounds.child_environment({}))
    with pytest.raises(BudgetExhausted), run_ends_after(SHORT):
        run_program(["sh", "-c", "sleep 987"], seconds=60, env=bounds.child_environment({}))
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]
    assert b"sleep\x00987\x00" not in commands


def test_the_earlier_of_two_ends_applies() -> None:
    with run_ends_after(100), run_ends_after(1000):
        assert (bounds.time_left() or 0) < 101
        check_time(50)
        with pytest.raises(BudgetExhausted):
            check_time(200)
    with run_ends_after(None):
        assert bounds.time_left() is None


def test_a_pause_beyond_the_end_of_the_run_is_not_started() -> None:
    slept: list[float] = []
    with run_ends_after(5):
        pause(1, slept.append)
        with pytest.raises(BudgetExhausted):
            pause(60, slept.append)
    assert slept == [1]


def test_an_error_in_a_bounded_call_is_raised_unchanged() -> None:
    def fail() -> None:
        raise LookupError("as it was")

    with pytest.raises(LookupError, match="as it was"):
        call_within(1, fail)
    with pytest.raises(TimeoutError):
        call_within(0.05, lambda: time.sleep(1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0), ("0.25", 0.25), ("nan", None), ("inf", None), ("-3", None), ("soon", None), ("", None),
        (None, None),
        ("9" * 5000, None), ("١٢", None), (["5"], None),
    ],
)  # fmt: skip
def test_garbage_in_a_wait_counts_as_unknown(text: Any, seconds: float | None) -> None:
    assert wait_seconds(text) == seconds


def test_max_seconds_wins_over_the_setting(settings: Any) -> None:
    settings.MAX_RUN_SECONDS = 7
    assert allowed_seconds({"max_seconds": 3.0}) == 3
    assert allowed_seconds({"max_seconds": None}) == 7
    settings.MAX_RUN_SECONDS = 0
    assert allowed_seconds({}) is None


def test_the_alarm_ends_work_that_no_limit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LAST_CALL", 0.1)
    began = time.monotonic()
    with pytest.raises(BudgetExhausted), time_limit(0.1):
        time.sleep(60)
    assert time.monotonic() - began < TOLERANCE
    with time_limit(0.1):
        pass
    time.sleep(0.4)  # an alarm after the block would fail the test


@pytest.mark.django_db(transaction=True)
def test_the_alarm_cancels_a_statement_and_the_connection_stays_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LAST_CALL", 0.1)
    began = time.monotonic()
    with pytest.raises(BudgetExhausted), time_limit(0.1), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - began < TOLERANCE
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
def test_statements_have_limits_by_kind_of_work() -> None:
    try:
        for kind, statement, lock in ((PAGE, "30s", "5s"), (MAINTENANCE, "0", "10min"), (WORK, "15min", "3min")):
            use_limits(kind)
            assert (_setting("statement_timeout"), _setting("lock_timeout")) == (statement, lock)
            connection.close()
            assert (_setting("statement_timeout"), _setting("lock_timeout")) == (statement, lock)
    finally:
        use_limits(WORK)


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


def test_a_wait_of_discord_ends_with_the_run() -> None:
    from core.operations.discord_ops import RequestBudget

    budget = RequestBudget(max_seconds=2)
    client = discord_client.DiscordClient(width=1, per_second=0, budget=budget)
    with pytest.raises(BudgetExhausted):
        asyncio.run(client._wait(60))
