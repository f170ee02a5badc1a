"""Who reacted with what: a list of its own that can be left and gone on with."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from core.db.upsert import upsert
from core.ingest.values import Row
from discord_activity_tracker.models import Message, Reactor
from discord_activity_tracker.store.people import store_accounts

ASKED = "reactors_asked"


def counts_to_ask(channels: Sequence[int]) -> Iterator[tuple[int, int, dict[str, dict[str, int]]]]:
    """Channel, message and counts of live messages whose counts are not those whose people are kept."""
    found = Message.objects.filter(channel_id__in=channels, deleted_at=None).exclude(reactions=F("reactors_of"))
    yield from found.values_list("channel_id", "pk", "reactions").order_by("pk").iterator()


@transaction.atomic
def store_reactors(
    message_id: int, counts: dict[str, dict[str, int]], people: Sequence[tuple[str, bool, Row]], now: datetime
) -> None:
    """Keep who reacted to a message, instead of what was kept of it before. ``people``: emoji, burst, account."""
    del now
    store_accounts({row["id"]: row for _, _, row in people}.values())
    rows = [
        {"message_id": message_id, "emoji": emoji[:200], "account_id": row["id"], "burst": burst}
        for emoji, burst, row in people
    ]
    Reactor.objects.filter(message_id=message_id).delete()
    upsert(Reactor, rows, key=["message_id", "emoji", "account_id", "burst"], keep=["message_id"])
    Message.objects.filter(pk=message_id).update(reactors_of=counts)
