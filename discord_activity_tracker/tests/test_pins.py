"""Tests of the times of pins, and of channels for which pins need not be requested."""

import pytest
from django.db.models import Count

from discord_activity_tracker.models import Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences
from tests.support.discord_twin import Twin

PINS = "log?n=100000&match=/messages/pins"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


def test_single_pin_is_dated_by_its_notice(twin: Twin, collect: Collect) -> None:
    twin.mutate(op="new_message", channel_id=(channel := _unpinned(twin)))
    twin.mutate(op="pin", channel_id=channel)
    collect()
    assert differences(twin) == []
    pinned = Message.objects.filter(pinned=True).order_by().values("channel_id")
    several = pinned.annotate(n=Count("pk")).filter(n__gt=1).values_list("channel_id", flat=True)
    requested = _pin_requests(twin)
    assert channel not in requested
    assert {str(pk) for pk in several} <= requested


def test_pins_are_requested_after_a_pin_was_removed(twin: Twin, collect: Collect) -> None:
    channel = _unpinned(twin)
    for _ in range(2):
        twin.mutate(op="new_message", channel_id=channel)
        twin.mutate(op="pin", channel_id=channel)
    latest = max(twin.readable()[int(channel)]["pins"], key=lambda pin: pin[1])
    twin.mutate(op="unpin", message_id=latest[0])
    collect()
    assert differences(twin) == []
    assert channel in _pin_requests(twin)


def _pin_requests(twin: Twin) -> set[str]:
    """Return the ids of the channels for which pins were requested."""
    return {path.partition("/channels/")[2].partition("/")[0] for _, _, path, _ in twin.call(PINS)}


def _unpinned(twin: Twin) -> str:
    """Return the id of a readable channel that has no pins and more than three messages."""
    boxes = twin.readable().items()
    return next(str(pk) for pk, box in boxes if not box["pins"] and not box["thread"] and box["count"] > 3)
