"""Tests of two bots that are in different servers."""

from collections.abc import Iterator
from io import StringIO
from json import loads
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.errors import ReplaceToken
from core.trackers import installed_trackers
from discord_activity_tracker.fetch.session import Bot, Session, useful_permissions
from discord_activity_tracker.models import Channel, Guild, Message
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]
FIRST, SECOND = "first-bot-token", "second-bot-token"


@pytest.fixture(scope="module")
def running(small_guild: Path) -> Iterator[Twin]:
    """Start a twin with four servers, 0 to 3. One bot is in servers 1 and 2, the other bot is in servers 2 and 3."""
    options = ["--no-limits", "--token", "owner-token", "--guilds", "3"]
    with Twin(small_guild, *options, "--bot", f"{FIRST}=1,2", "--bot", f"{SECOND}=2,3") as twin:
        yield twin


@pytest.fixture
def bots(running: Twin, settings: Any) -> Twin:
    running.call("reset", {})
    running.call("limits", {"enabled": False})
    settings.DISCORD_API_BASE, settings.DISCORD_REQUESTS_PER_SECOND = running.base, 0
    settings.DISCORD_BOT_TOKEN, settings.DISCORD_BOT_TOKENS = FIRST, [FIRST, SECOND]
    return running


def collect(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("collect_discord", *arguments, "--no-sync", "--json", stdout=out)
    return loads(out.getvalue())


def ids(twin: Twin) -> list[int]:
    """Return the ids of the twin's four servers."""
    return [int(pk) for pk in twin.call("truth?detail=0")["names"]]


def asked(twin: Twin, guild: int, token: str) -> int:
    return len(twin.call(f"log?n=100000&guild={guild}&bot={token}"))


def readable(twin: Twin, guild: int) -> set[str]:
    boxes = twin.call(f"truth?guild={guild}")["containers"].values()
    return {pk for box in boxes if box["access"] == "ok" and box.get("found_by") != "none" for pk in box["messages"]}


def test_server_is_read_by_the_same_member_bot_each_time(bots: Twin) -> None:
    _, one, both, three = ids(bots)
    result = collect()
    assert result["outcome"] == "succeeded"
    assert set(Guild.objects.values_list("pk", flat=True)) == {one, both, three}
    wanted = set().union(*(readable(bots, guild) for guild in (one, both, three)))
    assert {str(pk) for pk in Message.objects.filter(deleted_at=None).values_list("pk", flat=True)} == wanted
    assert not asked(bots, one, SECOND)
    assert not asked(bots, three, FIRST)
    reader, other = (FIRST, SECOND) if asked(bots, both, FIRST) else (SECOND, FIRST)
    assert not asked(bots, both, other)
    bots.forget("stats")
    collect()
    assert asked(bots, both, reader)
    assert not asked(bots, both, other)


def test_refused_token_is_reported_and_affects_only_its_servers(bots: Twin, client: Any) -> None:
    _, one, both, three = ids(bots)
    collect()
    bots.mutate(op="revoke", bot=FIRST)
    bots.mutate(op="storm", n=20, seed=2, guild=2)
    result = collect("--sweep")
    outcomes = {scope["scope"]: scope["outcome"] for scope in result["scopes"]}
    named = [scope for scope in result["scopes"] if scope["scope"].startswith("bot ")]
    assert result["outcome"] == "partial"
    assert [outcomes[Guild.objects.get(pk=pk).name] for pk in (one, both, three)] == [
        "failed",
        "succeeded",
        "succeeded",
    ]
    assert "(***oken)" in named[0]["scope"]
    assert "DISCORD_BOT_TOKEN" in named[0]["reason"]
    assert not Channel.objects.filter(guild_id=one).exclude(deleted_at=None)
    tracker = next(tracker for tracker in installed_trackers() if tracker.source_system == "discord")
    assert [gap.scope for gap in tracker.gaps(50) if gap.scope.startswith("bot ")] == [named[0]["scope"]]
    assert FIRST not in str(result)
    bots.mutate(op="revoke", bot=FIRST, off=True)
    assert collect()["outcome"] == "succeeded"
    assert not [gap for gap in tracker.gaps(50) if gap.scope.startswith("bot ")]


def test_other_bot_takes_over_after_a_token_is_revoked(bots: Twin) -> None:
    _, one, both, three = ids(bots)
    bots.fail({"kind": "revoke", "bot": FIRST, "match": "/messages", "nth": 3})
    result = collect()
    assert result["outcome"] == "partial"
    for guild in (both, three):
        there = Message.objects.filter(channel__guild_id=guild, deleted_at=None).values_list("pk", flat=True)
        assert {str(pk) for pk in there} == readable(bots, guild)
    assert Message.objects.filter(channel__guild_id=one).count() < len(readable(bots, one))


def test_exit_code_after_every_token_was_refused(bots: Twin) -> None:
    bots.mutate(op="revoke")
    with pytest.raises(ReplaceToken, match="DISCORD_BOT_TOKEN") as refused:
        collect()
    assert refused.value.exit_code == 2
    bots.mutate(op="revoke", off=True)
    bots.fail(*({"kind": "revoke", "bot": bot, "match": "/messages", "nth": 3} for bot in (FIRST, SECOND)))
    assert collect()["outcome"] == "partial"
    assert Message.objects.exists()


def test_order_of_bots_is_by_access_then_last_run() -> None:
    session = Session()
    weak, usual, other = (
        Bot(digest=name, masked="***", client=object(), guilds={7: bits})  # type: ignore[arg-type]  # not used
        for name, bits in (("weak", 1 << 10), ("usual", 1 << 10 | 1 << 16), ("other", 1 << 10 | 1 << 16))
    )
    session.bots = [weak, other, usual]
    assert [bot.digest for bot in session.bots_of(7, "usual")] == ["usual", "other", "weak"]
    assert [bot.digest for bot in session.bots_of(7)] == ["other", "usual", "weak"]
    assert [bot.digest for bot in session.bots_of(8, "usual")] == ["weak"]
    assert useful_permissions(1 << 3) > useful_permissions(1 << 10 | 1 << 34)
    session.bots = []
    session.background.close()
