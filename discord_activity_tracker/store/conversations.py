"""Which messages make one conversation, decided once for each message when it is first kept.

A run of messages in a channel without a gap of half an hour; in a thread or forum post there is no gap. Closed at a
size, so that one document never grows for ever. Deletions and edits move nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from discord_activity_tracker.convert.texts import Row
from discord_activity_tracker.models import Message

if TYPE_CHECKING:
    from discord_activity_tracker.store.messages import Place

GAP = timedelta(minutes=30)
MOST = 100
"""Messages in one conversation."""


def conversations_for(rows: Sequence[Row], known: Mapping[int, Mapping[str, Any]], place: "Place") -> dict[int, int]:
    """The conversation of each row: that of a kept one, else that of the message before it, else a new one.

    At most two statements, and none where everything is kept already.
    """
    found: dict[int, int] = {row["id"]: known[row["id"]]["conversation"] for row in rows if row["id"] in known}
    new = sorted(row["id"] for row in rows if row["id"] not in known)
    if not new:
        return found
    before = Message.objects.filter(channel_id=place.channel_id, id__lt=new[0]).order_by("-id")
    last = before.values_list("created_at", "conversation").first()
    sizes: Counter[int] = Counter(found.values())
    if last:
        sizes[last[1]] = Message.objects.filter(channel_id=place.channel_id, conversation=last[1]).count()
    at, talk = last or (None, 0)
    for row in sorted(rows, key=lambda row: row["id"]):
        pk, created_at = row["id"], row["created_at"]
        if pk not in found:
            if not talk or sizes[talk] >= MOST or _apart(at, created_at, place):
                talk = pk
            found[pk] = talk
            sizes[talk] += 1
        at, talk = created_at, found[pk]
    return found


def _apart(before: datetime | None, now: datetime, place: "Place") -> bool:
    return not place.is_thread and before is not None and now - before >= GAP
