"""When something was pinned, and what need not be asked for that."""

import pytest
from django.db.models import Count

from discord_activity_tracker.models import Message
from discord_activity_tracker.tests.conftest import Collect
from tests.support.discord_truth import differences
from tests.support.discord_twin import Twin

PINS = "log?n=100000&match=/messages/pins"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.twin]


def test_a_single_pin_is_dated_by_the_message_that_tells_of_it(twin: Twin, collect: Collect) -> None:
    twin.mutate(op="new_message", channel_id=(channel := _unpinned(twin)))
    twin.mutate(op="pin", channel_id=channel)
    collect()
    assert differences(twin) == []
    pinned = Message.objects.filter(pinned=True).order_by().values("channel_id")
    several = pinned.annotate(n=Count("pk")).filter(n__gt=1).values_list("channel_id", flat=True)
    asked = _asked_for_pins(twin)
    assert channel not in asked
    assert {str(pk) for pk in several} <= asked


def test_a_pin_is_asked_for_where_another_was_taken_off_since(twin: Twin, collect: Collect) -> None:
    channel = _unpinned(twin)
    for _ in range(2):
        twin.mutate(op="new_message", channel_id=channel)
        twin.mutate(op="pin", channel_id=channel)
    latest = max(twin.readable()[int(channel)]["pins"], key=lambda pin: pin[1])
    twin.mutate(op="unpin", message_id=latest[0])
    collect()
    assert differences(twin) == []
    assert channel in _asked_for_pins(twin)


def _asked_for_pins(twin: Twin) -> set[str]:
    """Channels whose list of pins was asked for."""
    return {path.partition("/channels/")[2].partition("/")[0] for _, _, path, _ in twin.call(PINS)}


def _unpinned(twin: Twin) -> str:
    """A channel whose text can be read, without pins."""
    boxes = twin.readable().items()
    return next(str(pk) for pk, box in boxes if not box["pins"] and not box["thread"] and box["count"] > 3)
