"""Tests of undocumented responses that Discord really sends. Such a response must not affect other objects."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from core.errors import ConfigurationError
from core.models import Checkpoint, SkippedItem
from core.operations.discord_ops import client as discord_client
from discord_activity_tracker.fetch import broken_pages
from discord_activity_tracker.models import Channel, Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences, false_tombstones
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between attempts."""
    monkeypatch.setattr(discord_client, "waiting_time", lambda _error, attempt: 0.01 * (attempt + 1))


def long_channel(twin: Twin) -> tuple[str, list[str]]:
    """Return the id of the channel with the most messages (more than a page), and its message ids, oldest first."""
    boxes = {pk: box for pk, box in twin.readable().items() if not box["thread"]}
    channel = max(boxes, key=lambda pk: boxes[pk]["count"])
    return str(channel), sorted(boxes[channel]["messages"], key=int)


def of_channel(twin: Twin, channel: str) -> list[str]:
    return [line for line in differences(twin) if line.startswith(channel)]


@pytest.mark.parametrize("searchable", [True, False])
def test_messages_that_break_their_pages_are_read_alone(twin: Twin, collect: Collect, searchable: bool) -> None:
    channel, ids = long_channel(twin)
    for message in (ids[0], ids[70], ids[71], ids[-1]):
        twin.mutate(op="poison", channel_id=channel, message_id=message)
    if not searchable:
        twin.fail({"kind": "status", "status": 403, "match": "/messages/search"})
    assert collect("--channel", channel)["outcome"] == "succeeded"
    assert of_channel(twin, channel) == []


def test_channel_without_a_readable_page_is_read_by_message(twin: Twin, collect: Collect) -> None:
    channel, ids = long_channel(twin)
    twin.mutate(op="poison", channel_id=channel, message_id=ids[3], whole=True)
    result = collect("--channel", channel)
    assert result["outcome"] == "succeeded"
    assert of_channel(twin, channel) == []
    assert any("one by one" in note for note in result["scopes"][0]["notes"])


def test_unreadable_message_is_skipped_and_read_later(twin: Twin, collect: Collect) -> None:
    channel, ids = long_channel(twin)
    twin.mutate(op="poison", channel_id=channel, message_id=ids[50])
    alone = f"^GET /channels/{{channel_id}}/messages/{{message_id}} /channels/{channel}/messages/{ids[50]}$"
    twin.fail({"kind": "status", "status": 500, "match": alone})
    assert collect("--channel", channel)["outcome"] == "partial"
    skip = SkippedItem.objects.get(cleared_at=None)
    assert (skip.reason, skip.external_id) == ("unreadable", ids[50])
    assert set(ids) - {str(pk) for pk in Message.objects.values_list("pk", flat=True)} == {ids[50]}
    twin.fail()
    assert collect("--channel", channel)["outcome"] == "succeeded"
    assert not SkippedItem.objects.filter(cleared_at=None)
    assert of_channel(twin, channel) == []


def test_many_broken_channels_are_not_an_outage(twin: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = [pk for pk, box in twin.readable().items() if box["count"]]
    broken, other = channels[:11], channels[11]
    for channel in broken:
        twin.mutate(op="poison", channel_id=str(channel), whole=True)
    twin.fail({"kind": "status", "status": 500, "match": "/messages/search"})
    result = collect()
    assert result["outcome"] == "partial"
    assert result["scopes"][0]["counts"]["pins_changed"]  # the run continued to its last step
    assert SkippedItem.objects.filter(stream="messages", cleared_at=None).count() == len(broken)
    assert of_channel(twin, str(other)) == []


def test_bisection_finds_a_message_id_without_the_search(twin: Twin, collect: Collect) -> None:
    assert int(long_channel(twin)[1][-1]) < broken_pages.NEWEST
    channel, ids = long_channel(twin)
    twin.mutate(op="poison", channel_id=channel, message_id=ids[120])
    twin.fail({"kind": "search_202", "match": "/messages/search", "retry_after": 1})
    collect("--channel", channel)
    assert of_channel(twin, channel) == []


@pytest.mark.parametrize("search", ["works", "refused"])
def test_archived_threads_of_a_switched_channel_are_found(twin: Twin, collect: Collect, search: str) -> None:
    switched, readable = twin.mutate(op="switch_type")[0]["hidden"], twin.readable()
    hidden = [pk for pk in switched if int(pk) in readable]
    assert hidden
    if search == "refused":
        twin.fail({"kind": "status", "status": 403, "match": "/threads/search"})
    collect()
    started = {int(m) for box in twin.readable().values() for m in box["messages"]}
    reachable = [pk for pk in hidden if search == "works" or int(pk) in started]
    assert Channel.objects.filter(pk__in=reachable, is_thread=True).count() == len(reachable)
    assert [line for line in differences(twin) if line.split()[0].rstrip(":").split("/")[0] in reachable] == []


def test_threads_that_cannot_be_found_are_reported(twin: Twin, collect: Collect) -> None:
    channel = twin.mutate(op="switch_type")[0]["channel_id"]
    twin.fail({"kind": "more_empty", "match": "/threads/search"})
    Channel.objects.all().delete()
    result = collect("--channel", channel)
    skip = SkippedItem.objects.filter(reason="threads_not_listed", cleared_at=None).first()
    assert skip is not None
    assert skip.external_id == channel
    assert any("Discord does not list" in note for note in result["scopes"][0]["notes"])


def test_incomplete_members_roles_and_threads_are_read(twin: Twin, collect: Collect) -> None:
    twin.mutate(op="bare")
    twin.mutate(op="null_archive")
    result = collect()
    assert (result["outcome"], differences(twin)) == ("succeeded", [])


@pytest.mark.parametrize("full", [True, False])
def test_server_in_an_outage_fails_without_data_loss(twin: Twin, collect: Collect, full: bool) -> None:
    collect()
    before = Channel.objects.filter(deleted_at=None).count()
    twin.mutate(op="unavailable", full=full)
    result = collect("--sweep")
    assert result["outcome"] == "failed"
    assert "reports an outage" in result["scopes"][0]["reason"]
    assert Channel.objects.filter(deleted_at=None).count() == before
    assert not Message.objects.exclude(deleted_at=None)


@pytest.mark.parametrize("status", [500, 404])
def test_vanished_thread_or_channel_is_recorded(twin: Twin, collect: Collect, status: int) -> None:
    collect()
    twin.mutate(op="vanish", status=status)
    channel, _ = long_channel(twin)
    twin.mutate(op="vanish", status=status, channel_id=channel)
    twin.mutate(op="storm", n=40, seed=5)
    result = collect("--sweep")
    assert result["outcome"] == "succeeded"
    assert SkippedItem.objects.filter(reason="vanished", cleared_at=None).count() == 2
    assert (differences(twin), false_tombstones(twin)) == ([], [])
    twin.forget("stats")
    collect()
    assert twin.request_count(channel) == 0  # the channel is not requested again until the next day


def test_threads_under_a_hidden_channel_are_not_requested(twin: Twin, collect: Collect) -> None:
    collect()
    hidden = twin.mutate(op="hide")[0]
    twin.forget("stats")
    collect("--sweep")
    assert twin.call("stats")["invalid"] <= 1
    assert not Channel.objects.filter(pk__in=hidden["threads"]).exclude(access="no_view")
    twin.mutate(op="hide", off=True)
    collect("--sweep")
    assert differences(twin) == []


def test_refused_thread_is_requested_at_growing_intervals(twin: Twin, collect: Collect) -> None:
    collect()
    thread = next(pk for pk, box in twin.readable().items() if box["thread"] and not box["archived"])
    twin.fail(
        {"kind": "status", "status": 403, "body": {"message": "Missing Access", "code": 50001},
         "match": f" /channels/{thread}(/|\\?|$)"},
    )  # fmt: skip
    collect("--sweep")
    for days, asked in ((0.5, 0), (1.1, 1), (1.1, 0), (1.1, 1), (3.5, 0)):
        state = Checkpoint.objects.get(scope=str(thread), stream="refused")
        at = timezone.datetime.fromisoformat(state.extras["at"]) - timezone.timedelta(days=days)
        Checkpoint.objects.filter(pk=state.pk).update(extras=state.extras | {"at": at.isoformat()})
        twin.forget("stats")
        collect("--sweep")
        assert bool(twin.request_count(f"/channels/{thread}")) == bool(asked), days


def test_short_pages_and_false_ends_of_lists_lose_nothing(twin: Twin, collect: Collect) -> None:
    twin.fail(
        {"kind": "short", "match": "/messages", "every": 2},
        {"kind": "more", "match": "/(archived|pins)", "every": 2},
        {"kind": "more_empty", "match": "/(archived|pins)", "every": 5, "times": 3},
    )
    assert collect("--reactors")["outcome"] == "succeeded"
    assert differences(twin) == []
    collect("--sweep")
    assert (differences(twin), false_tombstones(twin)) == ([], [])


def test_content_type_with_charset_is_json(twin: Twin, collect: Collect) -> None:
    twin.fail({"kind": "charset"})
    channel, _ = long_channel(twin)
    assert collect("--channel", channel)["outcome"] == "succeeded"
    assert of_channel(twin, channel) == []


@pytest.mark.parametrize("kind", ["403_html", "403_40333"])
def test_block_in_front_of_discord_is_reported(twin: Twin, collect: Collect, kind: str) -> None:
    twin.fail({"kind": kind, "match": "^GET /guilds/{guild_id} "})
    reason = collect()["scopes"][0]["reason"]
    assert "block" in reason
    assert "invite" not in reason


def test_advice_to_invite_the_bot_only_where_it_is_not_a_member(twin: Twin, collect: Collect) -> None:
    unknown, there = "123456789012345678", str(twin.call("truth?detail=0&channel_id=1")["guild_id"])
    with pytest.raises(ConfigurationError, match="invite the bot"):
        collect(unknown)
    reasons = {scope["scope"]: scope["reason"] for scope in collect(unknown, there)["scopes"]}
    assert "invite the bot" in reasons[unknown]
    twin.fail({"kind": "status", "status": 404, "match": "^GET /guilds/{guild_id} "})
    assert "invite" not in collect()["scopes"][0]["reason"]


@pytest.mark.parametrize("most", [1, 2, 5, 17])
def test_request_budget_is_respected(twin: Twin, collect: Collect, most: int) -> None:
    twin.fail({"kind": "status", "status": 500, "match": "/messages", "every": 2})
    twin.forget("stats")
    assert collect("--max-requests", str(most))["outcome"] == "partial"
    assert twin.request_count() <= most


def test_a_missing_intent_still_ends_the_run(twin: Twin) -> None:
    twin.mutate(op="intents", message_content=False)
    with pytest.raises(ConfigurationError, match="Message Content Intent"):
        call_command("collect_discord", "--no-sync")
