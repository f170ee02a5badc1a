"""Fixtures: a Discord twin that is reset for each test, and a function that runs the collector."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.support.discord_twin import Twin, write_small_guild
from tests.support.twins import require

Collect = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def small_guild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small part of the recorded guild, and return the path of the file."""
    require()
    return write_small_guild(tmp_path_factory.mktemp("guild") / "small.jsonl.gz", 30, 20)


@pytest.fixture(scope="session")
def running_twin(small_guild: Path) -> Iterator[Twin]:
    """Yield one Discord twin that all tests of a worker share."""
    with Twin(small_guild, "--no-limits") as running:
        yield running


@pytest.fixture
def twin(running_twin: Twin, settings: Any) -> Twin:
    """Return the twin in its initial state, without rate limits. The settings point to the twin."""
    running_twin.call("reset", {})
    running_twin.call("limits", {"enabled": False})
    settings.DISCORD_API_BASE, settings.DISCORD_BOT_TOKEN = running_twin.base, "twin-token"
    settings.DISCORD_BOT_TOKENS, settings.DISCORD_REQUESTS_PER_SECOND = [], 0
    return running_twin


@pytest.fixture
def collect(twin: Twin) -> Collect:
    """Return a function that runs ``collect_discord`` without the index sync and returns the parsed JSON."""

    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        guild = twin.call("truth?detail=0&channel_id=1")["guild_id"]
        names = [] if arguments[:1] and arguments[0].isdigit() else [guild]
        call_command("collect_discord", *names, *arguments, "--json", "--no-sync", stdout=out)
        return json.loads(out.getvalue())

    return run
