"""A sample server with its own conversations for each test."""

import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.operations.http import Transport
from samples.community import SampleCommunity
from samples.server import SampleServer


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count pauses at their full length and shorten them: their lengths are tested where they are chosen."""

    def pause(self: Transport, seconds: float) -> None:
        self.allowance.check(seconds)
        time.sleep(min(seconds, 0.01))

    monkeypatch.setattr(Transport, "pause", pause)


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SampleServer]:
    """A server with a few hundred comments; the settings name it."""
    with SampleServer(SampleCommunity.synthetic(issues=130, comments=320, review_comments=60, seed=5)) as running:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = running.url
        settings.GITHUB_TOKENS = [running.token()]
        settings.WORKSPACE_DIR = tmp_path
        yield running


@pytest.fixture
def collect(server: SampleServer) -> Callable[..., dict[str, Any]]:
    """Run ``collect_github`` on the server's repository, without the index; returns what ``--json`` prints."""

    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        names = [] if any("/" in argument for argument in arguments) else [server.truth()["full_name"]]
        call_command("collect_github", *names, *arguments, "--json", "--no-sync", stdout=out)
        return json.loads(out.getvalue())

    return run
