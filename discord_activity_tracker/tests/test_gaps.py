"""Tests of data that the bot may not read. It must be reported, and must not be treated as empty or deleted."""

from typing import Any

import pytest

from core.errors import ConfigurationError
from discord_activity_tracker.collector import guild as guild_collector
from discord_activity_tracker.fetch.session import Client
from discord_activity_tracker.models import Channel, Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences, false_tombstones
from tests.support.discord_twin import Twin
from tests.support.slow_variants import quick

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]
READ_MESSAGE_HISTORY, VIEW_CHANNEL = 1 << 16, 1 << 10


def busiest(twin: Twin) -> int:
    """Return the id of the channel with the most messages. It has more than one page of messages."""
    boxes = {pk: box for pk, box in twin.readable().items() if not box["thread"]}
    return max(boxes, key=lambda pk: boxes[pk]["count"])


def alive(channel: int) -> int:
    return Message.objects.filter(channel_id=channel, deleted_at=None).count()


def test_each_gap_is_in_the_result_and_in_its_channel(twin: Twin, collect: Collect) -> None:
    notes = collect()["scopes"][0]["notes"]
    assert notes == [
        "#closed-meeting is a voice channel with messages that the bot may not read: grant CONNECT",
        "#rules hides its history from the bot: grant READ_MESSAGE_HISTORY",
        "#security archived private threads are shown only where the bot joined: grant MANAGE_THREADS",
        "#staff-only is hidden from the bot: grant VIEW_CHANNEL",
    ]
    kept = Channel.objects.exclude(gap="").order_by("name")
    assert [f"#{channel.name} {channel.gap}" for channel in kept] == notes


@pytest.mark.parametrize("lost", quick([READ_MESSAGE_HISTORY, VIEW_CHANNEL], VIEW_CHANNEL))
def test_lost_permission_deletes_nothing(twin: Twin, collect: Collect, lost: int) -> None:
    collect()
    channel = busiest(twin)
    before = alive(channel)
    twin.mutate(op="permissions", channel_id=str(channel), deny=lost)
    twin.mutate(op="delete", channel_id=str(channel), only="any")
    result = collect("--sweep")
    assert (alive(channel), result["outcome"]) == (before, "succeeded")
    assert any(Channel.objects.get(pk=channel).name in note for note in result["scopes"][0]["notes"])
    twin.mutate(op="permissions", channel_id=str(channel), allow=lost)
    collect("--sweep")
    assert differences(twin) == []


@pytest.mark.slow
def test_permission_lost_during_the_run_deletes_nothing(
    twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    channel = busiest(twin)
    before, read_guild = alive(channel), guild_collector.read_guild

    async def then_lose(*arguments: Any) -> Any:
        facts = await read_guild(*arguments)
        twin.mutate(op="permissions", channel_id=str(channel), deny=READ_MESSAGE_HISTORY)
        return facts

    monkeypatch.setattr(guild_collector, "read_guild", then_lose)
    result = collect("--sweep")
    assert alive(channel) == before
    assert any("READ_MESSAGE_HISTORY" in note and "#rules" not in note for note in result["scopes"][0]["notes"])
    assert Channel.objects.get(pk=channel).access == "no_history"


def test_deleted_channel_is_marked_with_all_its_messages(twin: Twin, collect: Collect) -> None:
    collect()
    channel = busiest(twin)
    threads = set(Channel.objects.filter(parent_id=channel, is_thread=True).values_list("pk", flat=True))
    twin.mutate(op="delete_channel", channel_id=str(channel))
    collect()
    assert alive(channel) == 0
    assert not Channel.objects.filter(pk__in={channel, *threads}, deleted_at=None)
    assert differences(twin) == []


@pytest.mark.slow
def test_short_pages_are_continued_and_delete_nothing(
    twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    channel, get = busiest(twin), Client.get

    async def cut(self: Any, path: str, kind: Any, params: Any = None, **ids: Any) -> Any:
        found = await get(self, path, kind, params, **ids)
        whole = path.endswith("/messages") and ids["channel_id"] == channel
        return sorted(found, key=lambda message: int(message["id"]))[:7] if whole else found

    monkeypatch.setattr(Client, "get", cut)
    result = collect("--sweep")
    assert (result["outcome"], result["skipped"]) == ("succeeded", 0)
    monkeypatch.undo()
    assert false_tombstones(twin) == []


@pytest.mark.slow
def test_answers_that_ignore_the_position_delete_nothing(
    twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    get = Client.get

    async def newest(self: Any, path: str, kind: Any, params: Any = None, **ids: Any) -> Any:
        given = {"limit": 100} if path.endswith("/messages") and ids else params
        return await get(self, path, kind, given, **ids)

    monkeypatch.setattr(Client, "get", newest)
    collect("--sweep")
    monkeypatch.undo()
    assert false_tombstones(twin) == []


def test_nothing_changes_without_the_message_content_intent(twin: Twin, collect: Collect) -> None:
    twin.mutate(op="intents", message_content=False)
    with pytest.raises(ConfigurationError, match="Message Content Intent"):
        collect()
    assert not Message.objects.exists()


@pytest.mark.slow
def test_intent_switched_off_during_the_run_empties_no_message(
    twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    twin.mutate(op="storm", n=60, seed=1, ops=["edit"])
    before = dict(Message.objects.exclude(content="").values_list("pk", "content"))
    read_guild = guild_collector.read_guild

    async def then_switch(*arguments: Any) -> Any:
        facts = await read_guild(*arguments)
        twin.mutate(op="intents", message_content=False)
        return facts

    monkeypatch.setattr(guild_collector, "read_guild", then_switch)
    with pytest.raises(ConfigurationError, match="Message Content Intent"):
        collect("--sweep")
    assert not Message.objects.filter(pk__in=list(before), content="")
    monkeypatch.undo()
    twin.mutate(op="intents", message_content=True)
    collect("--sweep")
    assert differences(twin) == []
