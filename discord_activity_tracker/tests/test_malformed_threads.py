"""Tests of archived threads that could not be converted. They are retried one by one."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from core.ingest.skips import record_skip
from core.models import SkippedItem
from discord_activity_tracker.collector import guild as guild_collector
from discord_activity_tracker.collector.guild import retry_malformed_threads
from discord_activity_tracker.models import Channel, Guild

pytestmark = pytest.mark.django_db(transaction=True)
GUILD, PARENT, FIRST = 4100000000000000001, 4100000000000000002, 4100000000000000100
SCOPE = f"{GUILD}/{PARENT}"


def thread(pk: int) -> dict[str, Any]:
    return {
        "id": str(pk), "type": 11, "name": "t", "parent_id": str(PARENT),
        "thread_metadata": {"archived": True, "archive_timestamp": "2024-01-01T00:00:00+00:00"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "gone"), [({FIRST}, set()), ({FIRST, FIRST + 7}, {FIRST + 1}), (set(), set())], ids=["one", "two", "no"]
)
def test_readable_thread_clears_only_its_own_skip(
    monkeypatch: pytest.MonkeyPatch, broken: set[int], gone: set[int]
) -> None:
    """Check a run with more skipped threads than it may retry. The remaining threads stay skipped."""
    Guild.objects.create(pk=GUILD, name="g", payload={})
    ids = {FIRST + n for n in range(8)}
    for pk in sorted(ids):
        record_skip(
            collector="discord", scope=SCOPE, stream="threads", external_id=str(pk), reason="malformed", detail="odd"
        )
    requested: set[int] = set()

    def read_channel(_client: object, pk: int) -> Any:
        requested.add(pk)
        return None if pk in gone else thread(pk) | ({"type": 10**12} if pk in broken else {})

    monkeypatch.setattr(guild_collector, "read_channel", read_channel)
    run: Any = SimpleNamespace(
        guild_id=GUILD, started=timezone.now(), client=None, request=lambda answer: answer
    )  # fmt: skip
    retry_malformed_threads(run, {(SCOPE, "threads")}, {PARENT: "ok"})
    stored = set(Channel.objects.values_list("pk", flat=True))
    waiting = {int(pk) for pk in SkippedItem.objects.filter(cleared_at=None).values_list("external_id", flat=True)}
    assert len(requested) == 5
    assert stored == requested - broken - gone
    assert waiting == ids - stored - gone
