"""Tests of skips. A skip is cleared when its item is stored or deleted, and not before."""

from typing import Any

import pytest

from core.models import SkippedItem
from core.operations.discord_ops import client as discord_client
from discord_activity_tracker.convert import messages
from discord_activity_tracker.models import Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord_client, "waiting_time", lambda _error, attempt: 0.01 * (attempt + 1))


def waiting() -> set[tuple[str, str]]:
    return set(SkippedItem.objects.filter(cleared_at=None).values_list("stream", "external_id"))


@pytest.mark.parametrize("part", ["/pins", "/threads/active"])
def test_a_list_that_failed_is_requested_again_and_its_skip_cleared(twin: Twin, collect: Collect, part: str) -> None:
    twin.fail({"kind": "status", "status": 500, "match": part})
    assert collect()["outcome"] == "partial"
    assert {stream for stream, _ in waiting()} == {"pins" if part == "/pins" else "active_threads"}
    twin.fail()
    assert collect()["outcome"] == "succeeded"
    assert waiting() == set()
    assert not Message.objects.filter(pinned=True, pinned_at=None, deleted_at=None).exists()


@pytest.mark.parametrize("deleted", [False, True])
def test_malformed_message_stays_skipped_until_stored_or_deleted(
    twin: Twin, collect: Collect, settings: Any, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    settings.DISCORD_RESCAN_DAYS = 0
    channel = max((pk for pk, box in twin.readable().items() if not box["thread"]), key=lambda pk: pk)
    odd = sorted(twin.readable()[channel]["messages"], key=int)[1]
    convert_record = messages._record

    def converting(message: Any, *arguments: Any) -> Any:
        if message["id"] == odd:
            raise KeyError("type")
        return convert_record(message, *arguments)

    monkeypatch.setattr(messages, "_record", converting)
    narrow = ("--channel", str(channel))
    assert collect(*narrow)["outcome"] == "partial"
    assert waiting() == {("messages", odd)}
    twin.mutate(op="new_message", channel_id=str(channel))
    collect(*narrow)
    assert waiting() == {("messages", odd)}
    monkeypatch.setattr(messages, "_record", convert_record)
    if deleted:
        twin.mutate(op="delete", channel_id=str(channel), message_id=odd)
    collect(*narrow, "--sweep")
    assert waiting() == set()
    assert Message.objects.filter(pk=int(odd)).exists() is not deleted
