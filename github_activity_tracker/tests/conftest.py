"""Fixtures: a sample server for each test, and a function that runs the collector."""

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
    """Shorten the collector's pauses to 0.01 seconds. A pause still fails if its full length exceeds the time limit.

    Other tests check the full lengths of the pauses.
    """

    def pause(self: Transport, seconds: float) -> None:
        self.allowance.check(seconds)
        time.sleep(min(seconds, 0.01))

    monkeypatch.setattr(Transport, "pause", pause)


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SampleServer]:
    """Yield a server with a few hundred comments. The settings point to the server."""
    with SampleServer(SampleCommunity.synthetic(issues=130, comments=320, review_comments=60, seed=5)) as running:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = running.url
        settings.GITHUB_TOKENS = [running.token()]
        settings.WORKSPACE_DIR = tmp_path
        yield running


@pytest.fixture
def collect(server: SampleServer) -> Callable[..., dict[str, Any]]:
    """Return a function that runs ``collect_github`` without the index sync, and returns the parsed ``--json`` output.

    Without a name in the arguments, the function collects the server's repository.
    """

    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        names = [] if any("/" in argument for argument in arguments) else [server.truth()["full_name"]]
        call_command("collect_github", *names, *arguments, "--json", "--no-sync", stdout=out)
        return json.loads(out.getvalue())

    return run
