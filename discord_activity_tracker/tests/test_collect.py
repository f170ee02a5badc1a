"""Tests of complete runs. They compare the stored data with the data of the twin."""

from typing import Any

import pytest

from core.models import Activity, Document, Scope
from discord_activity_tracker.models import Account, Channel, Message, Revision
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences, false_tombstones, lost_revisions, missed_deletions
from tests.support.discord_twin import Twin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


def fingerprint() -> list[Any]:
    """Return all data that a second run must not change."""
    return [
        *Activity.objects.order_by("pk").values_list(),
        *Document.objects.order_by("pk").values_list("external_id", "version", "deleted_at"),
        *Message.objects.order_by("pk").values_list(),
        *Channel.objects.order_by("pk").values_list(),
        *Account.objects.order_by("pk").values_list(),
        *Revision.objects.order_by("pk").values_list(),
    ]


def test_everything_is_stored_and_a_second_run_changes_nothing(twin: Twin, collect: Collect) -> None:
    result = collect()
    assert differences(twin) == []
    assert (result["outcome"], result["skipped"]) == ("succeeded", 0)
    before = fingerprint()
    twin.forget("stats")
    collect()
    assert fingerprint() == before
    threadable = sum(channel.type in {0, 5, 15, 16} for channel in Channel.objects.all())
    assert twin.request_count() <= 3 + 4 + threadable


def test_run_completes_every_readable_channel(twin: Twin, collect: Collect) -> None:
    collect()
    unfinished = set(Scope.objects.filter(last_completed_at=None).values_list("external_id", flat=True))
    readable = Channel.objects.filter(is_thread=False, access=Channel.Access.OK)
    assert not unfinished & {f"{guild}/{pk}" for guild, pk in readable.values_list("guild_id", "pk")}


@pytest.mark.slow
def test_sweep_finds_every_change(twin: Twin, collect: Collect) -> None:
    collect()
    collected = set(Message.objects.values_list("pk", flat=True))
    twin.mutate(op="storm", n=400, seed=3)
    collect("--sweep")
    assert differences(twin) == []
    assert (false_tombstones(twin), missed_deletions(twin), lost_revisions(twin, collected)) == ([], [], [])


def test_next_run_finds_changes_of_recent_days(twin: Twin, collect: Collect) -> None:
    for channel in list(twin.readable())[:6]:
        twin.mutate(op="new_message", channel_id=str(channel), same_ms=12)
    collect()
    twin.mutate(op="storm", n=150, seed=4, newest=10, ops=["edit", "delete", "react", "unfurl", "pin", "new_thread"])
    collect()
    window = Message.objects.filter(created_at__gte="2026-09-01T00:00:00Z").values_list("pk", flat=True)
    recent = {str(pk) for pk in window}
    assert [line for line in differences(twin) if line.split("/")[-1].split(":")[0] in recent] == []
    assert false_tombstones(twin) == []
