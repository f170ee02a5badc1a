"""Store the times at which messages were pinned, and the accounts that reacted to messages."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Max

from core.db.upsert import upsert
from core.ingest.values import Row
from discord_activity_tracker.models import Message, Reactor
from discord_activity_tracker.protocol_impl import DiscordState
from discord_activity_tracker.store.checkpoints import save_state
from discord_activity_tracker.store.conversations import Location
from discord_activity_tracker.store.people import store_accounts

PIN_NOTICE = 6
"""The type of the message with which Discord announces a new pin in a channel."""
TOLERANCE = timedelta(seconds=2)
"""Maximum difference between the time of a pin and the time of the message that announces it.

With a larger value, the announcement of an earlier pin could be mistaken for that of the last pin.
"""
EmojiCounts = dict[str, dict[str, int]]


def undated_pins(guild_id: int) -> set[int]:
    """Return the ids of channels that contain pinned messages with an unknown time of pinning."""
    pinned = Message.objects.filter(pinned=True, pinned_at=None, deleted_at=None, channel__guild_id=guild_id)
    return set(pinned.values_list("channel_id", flat=True).order_by())


def announced_pins(guild_id: int) -> Mapping[int, tuple[int, datetime]]:
    """Return the message id and the time of the pin of each channel with exactly one pin, by channel id.

    Discord reports the time of the last pin of each channel, and a message of type 6 announces each pin. The
    announcement at the time of the last pin shows which message was pinned. A channel is left out if it has several
    pins, or if there is no matching announcement. The list of its pins must then be requested.
    """
    live = Message.objects.filter(channel__guild_id=guild_id, pinned=True, deleted_at=None)
    single = live.order_by().values("channel_id").annotate(pins=Count("pk"), pin=Max("pk")).filter(pins=1)
    pins = dict(single.values_list("channel_id", "pin"))
    notices = Message.objects.filter(type=PIN_NOTICE, reply_to__in=list(pins.values()))
    rows = notices.values_list("channel_id", "reply_to", "created_at", "channel__last_pin_timestamp")
    return {
        channel: (pin, latest)
        for channel, pin, announced_at, latest in rows
        if pin is not None and latest and pins.get(channel) == pin and abs(announced_at - latest) <= TOLERANCE
    }


def any_pin(channel_id: int) -> int | None:
    """Return the id of a pinned message of a channel, or ``None``."""
    pinned = Message.objects.filter(channel_id=channel_id, pinned=True, deleted_at=None)
    return pinned.values_list("pk", flat=True).first()


@transaction.atomic
def store_pins(pinned: Mapping[int, datetime], *, location: Location, state: DiscordState) -> int:
    """Store the pins of a channel, unpin its other messages, and save the position. Return the number of changes."""
    messages = Message.objects.filter(channel_id=location.channel_id)
    changed = 0
    stored = dict(messages.filter(pk__in=list(pinned)).values_list("pk", "pinned_at"))
    for pk, pinned_at in pinned.items():
        if pk in stored and stored[pk] != pinned_at:
            changed += messages.filter(pk=pk).update(pinned=True, pinned_at=pinned_at)
    unpinned = messages.filter(pinned=True, deleted_at=None).exclude(pk__in=list(pinned))
    changed += unpinned.update(pinned=False, pinned_at=None)
    save_state(location.channel_id, "pins", state)
    return changed


def changed_reactions(channels: Sequence[int]) -> Iterator[tuple[int, int, EmojiCounts]]:
    """Yield the channel id, message id and reaction counts of messages with reactions newer than the stored reactors.

    Deleted messages are left out.
    """
    messages = Message.objects.filter(channel_id__in=channels, deleted_at=None).exclude(reactions=F("reactors_of"))
    yield from messages.values_list("channel_id", "pk", "reactions").order_by("pk").iterator()


@transaction.atomic
def store_reactors(message_id: int, counts: EmojiCounts, people: Sequence[tuple[str, bool, Row]]) -> None:
    """Replace the stored reactors of a message, and save the reaction ``counts`` to which they belong.

    ``people`` contains tuples of emoji, burst flag and account row.
    """
    store_accounts({row["id"]: row for _, _, row in people}.values())
    rows = [
        {"message_id": message_id, "emoji": emoji[:200], "account_id": row["id"], "burst": burst}
        for emoji, burst, row in people
    ]
    Reactor.objects.filter(message_id=message_id).delete()
    upsert(Reactor, rows, key=["message_id", "emoji", "account_id", "burst"], keep=["message_id"])
    Message.objects.filter(pk=message_id).update(reactors_of=counts)
