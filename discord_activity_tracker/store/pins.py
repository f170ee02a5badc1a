"""Pins and their times."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max

from discord_activity_tracker.models import Message
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import save_state
from discord_activity_tracker.store.places import Place

TELLS_OF_PIN = 6
"""The type of the message with which Discord tells a channel that another one was pinned."""
AT_ONCE = timedelta(seconds=2)


def undated_pins(guild_id: int) -> set[int]:
    """Channels with pinned messages whose time of pinning is not known."""
    found = Message.objects.filter(pinned=True, pinned_at=None, deleted_at=None, channel__guild_id=guild_id)
    return set(found.values_list("channel_id", flat=True).order_by())


def told_pins(guild_id: int) -> Mapping[int, tuple[int, datetime]]:
    """By channel the message that is its only pin, and when it was pinned, where nothing has to be asked for that.

    A channel says when its last pin was, and a message of type 6 tells of each: the one of that very moment says which
    message the last pin was. Where it is not there any more, or tells of another message, the list must be asked for.
    """
    live = Message.objects.filter(channel__guild_id=guild_id, pinned=True, deleted_at=None)
    alone = live.order_by().values("channel_id").annotate(pins=Count("pk"), pin=Max("pk")).filter(pins=1)
    only = dict(alone.values_list("channel_id", "pin"))
    notices = Message.objects.filter(type=TELLS_OF_PIN, reply_to__in=list(only.values()))
    found = notices.values_list("channel_id", "reply_to", "created_at", "channel__last_pin_timestamp")
    return {
        channel: (pin, latest)
        for channel, pin, told_at, latest in found
        if pin is not None and latest and only.get(channel) == pin and abs(told_at - latest) <= AT_ONCE
    }


def newest_pin(channel_id: int) -> int | None:
    """A pinned message of a channel."""
    found = Message.objects.filter(channel_id=channel_id, pinned=True, deleted_at=None)
    return found.values_list("pk", flat=True).first()


@transaction.atomic
def store_pins(pinned: Mapping[int, datetime], *, place: Place, state: DiscordState) -> int:
    """Keep the times of a channel's pins, which are all there are; returns how many changed."""
    kept = Message.objects.filter(channel_id=place.channel_id)
    changed = 0
    known = dict(kept.filter(pk__in=list(pinned)).values_list("pk", "pinned_at"))
    for pk, moment in pinned.items():
        if pk in known and known[pk] != moment:
            changed += kept.filter(pk=pk).update(pinned=True, pinned_at=moment)
    off = kept.filter(pinned=True, deleted_at=None).exclude(pk__in=list(pinned))
    changed += off.update(pinned=False, pinned_at=None)
    save_state(place.channel_id, "pins", state)
    return changed
