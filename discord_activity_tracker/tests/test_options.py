"""Tests of the options of a run, and of threads that are archived or unarchived during a run."""

from typing import Any

import pytest
from django.core.management import call_command

from core.errors import ConfigurationError
from core.models import Checkpoint, Scope
from discord_activity_tracker.collector import guild as guild_collector
from discord_activity_tracker.models import Channel, Guild, Message, Reactor
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


def test_threads_that_move_between_lists_are_stored(
    twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_guild = guild_collector.read_guild

    async def then_move(*arguments: Any) -> Any:
        facts = await read_guild(*arguments)
        twin.mutate(op="storm", n=25, seed=2, ops=["archive", "unarchive"])
        return facts

    monkeypatch.setattr(guild_collector, "read_guild", then_move)
    collect()
    assert differences(twin) == []


def test_unknown_types_are_stored(twin: Twin, collect: Collect) -> None:
    collect()
    assert Channel.objects.get(type=99).kind == "unknown_99"
    assert Message.objects.filter(type=9999).exists()


def test_single_channel_is_read_with_its_threads(twin: Twin, collect: Collect) -> None:
    channel = Channel(pk=max((pk for pk, b in twin.readable().items() if not b["thread"])))
    collect("--channel", str(channel.pk))
    places = set(Message.objects.values_list("channel_id", flat=True).order_by())
    assert places <= {channel.pk, *Channel.objects.filter(parent_id=channel.pk).values_list("pk", flat=True)}
    assert [line for line in differences(twin) if line.startswith(str(channel.pk))] == []


def test_first_run_can_start_at_a_date(twin: Twin, collect: Collect) -> None:
    collect("--since", "2024-01-01")
    assert min(Message.objects.values_list("created_at", flat=True)).year >= 2024
    there = sum(int(m) >> 22 >= 282_832_128_000 + 1_000 for box in twin.readable().values() for m in box["messages"])
    assert abs(Message.objects.count() - there) <= 5


def test_reactors_are_stored_on_request(twin: Twin, collect: Collect) -> None:
    collect("--reactors")
    wanted = {
        (int(m), emoji, burst, int(user))
        for box in twin.call("truth?users=1")["containers"].values()
        if box["access"] == "ok" and box.get("found_by") != "none"
        for m, details in box["messages"].items()
        for emoji, reaction in details.get("reactions", {}).items()
        for burst, users in ((False, "users"), (True, "burst_users"))
        for user in reaction.get(users, [])
    }
    assert set(Reactor.objects.values_list("message_id", "emoji", "burst", "account_id")) == wanted
    twin.forget("stats")
    collect("--reactors")
    assert twin.request_count("/reactions/") == 0


@pytest.mark.slow
def test_everything_can_be_read_again(twin: Twin, collect: Collect) -> None:
    collect()
    Checkpoint.objects.filter(stream="archived_public").delete()
    assert collect("--full")["counts"]["messages"] == Message.objects.count()
    assert differences(twin) == []


def test_run_without_names_collects_the_guilds_of_the_bot(twin: Twin) -> None:
    call_command("collect_discord", "--no-sync", "--json", "--max-requests", "30")
    assert Guild.objects.count() == 1
    assert not Scope.objects.exclude(last_completed_at=None)


def test_estimate_is_close_and_collects_nothing(
    twin: Twin, collect: Collect, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("collect_discord", str(twin.call("truth?detail=0")["guild_id"]), "--estimate")
    assert "at most" in capsys.readouterr().out
    assert not Message.objects.exists()


def test_missing_token_and_malformed_id_are_refused_first(twin: Twin, settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="Copy Server ID"):
        call_command("collect_discord", "my server", "--no-sync")
    settings.DISCORD_BOT_TOKEN = ""
    with pytest.raises(ConfigurationError, match="DISCORD_BOT_TOKEN"):
        call_command("collect_discord", "1", "--no-sync")
    assert twin.request_count() == 0
