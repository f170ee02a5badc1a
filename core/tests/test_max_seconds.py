"""Tests that a command ends at most five seconds after ``--max-seconds``, with any kind of slow server."""

import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.utils import timezone

from core.errors import BudgetExhausted, CollectorError
from core.models import CollectorRun, Notice
from core.operations.pinecone_ops import client
from tests.support.fake_source import FakeSource, model
from tests.support.misbehaving_servers import Peer, dripping_body, dripping_headers, silent

pytestmark = pytest.mark.django_db(transaction=True)
PEERS = {"silent": silent, "drips headers": dripping_headers, "drips a body": dripping_body}
LIMIT, WITHIN = 0.5, 5.0


@pytest.fixture(params=PEERS.values(), ids=PEERS)
def peer(request: pytest.FixtureRequest) -> Any:
    with Peer(request.param) as server:
        yield server
    client.forget_clients()


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    with pytest.raises(CollectorError):
        work()
    return time.monotonic() - began


def collect(app: str, name: str, *arguments: str) -> None:
    command = load_command_class(app, name)
    call_command(command, *arguments, max_seconds=LIMIT, no_sync=True, stdout=StringIO(), stderr=StringIO())
    if command.exit_code == 3:
        raise BudgetExhausted("partial")


def test_collecting_from_github(peer: Peer, settings: Any) -> None:
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = peer.url
    settings.GITHUB_TOKENS = ["a-token-of-these-tests"]
    assert seconds_of(lambda: collect("github_activity_tracker", "collect_github", "owner/name")) < LIMIT + WITHIN
    assert CollectorRun.objects.get().outcome == "partial"


def test_collecting_commits_from_a_git_server(peer: Peer, settings: Any) -> None:
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = peer.url
    settings.GITHUB_TOKENS = []
    work = lambda: collect("github_activity_tracker", "collect_github", "owner/name", "--git-only")  # noqa: E731
    assert seconds_of(work) < LIMIT + WITHIN


def test_collecting_from_discord(peer: Peer, settings: Any) -> None:
    settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKENS = f"{peer.url}/api/v10", []
    settings.DISCORD_BOT_TOKEN = "a.b.c"
    assert seconds_of(lambda: collect("discord_activity_tracker", "collect_discord")) < LIMIT + WITHIN
    assert CollectorRun.objects.get().outcome == "partial"


def test_syncing_an_index_in_pinecone(peer: Peer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VECTOR_INDEX, settings.PINECONE_API_KEY, settings.PINECONE_HOST = "pinecone", "a-key-of-tests", peer.url
    monkeypatch.setattr(
        "core.management.commands.sync_index.document_sources", lambda source: [FakeSource(boat="The ferry leaves")]
    )
    with model("first"):
        work = lambda: call_command("sync_index", max_seconds=LIMIT, stdout=StringIO())  # noqa: E731
        assert seconds_of(work) < LIMIT + WITHIN


def test_posting_to_slack(peer: Peer, settings: Any) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = "xoxb-1-a", "C1"  # pragma: allowlist secret
    settings.SLACK_API_BASE = f"{peer.url}/api/"
    Notice.objects.create(title="Recovered", lines=[], created_at=timezone.now())
    began = time.monotonic()
    call_command("notify", max_seconds=LIMIT, stdout=StringIO())
    assert time.monotonic() - began < LIMIT + WITHIN
    assert Notice.objects.get().state == Notice.State.WAITING
