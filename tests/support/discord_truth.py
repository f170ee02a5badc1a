"""Compares the database with the content of the Discord twin, a local imitation of Discord."""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

from discord_activity_tracker.models import Channel, Message, Revision
from tests.support.discord_twin import Twin


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def differences(twin: Twin) -> list[str]:
    """Return a line for each difference between the database and the twin."""
    boxes = twin.readable()
    rows: dict[int, dict[int, Message]] = {}
    for message in Message.objects.filter(deleted_at=None, channel_id__in=list(boxes)).iterator():
        rows.setdefault(message.channel_id, {})[message.pk] = message
    channels = Channel.objects.in_bulk(list(boxes))
    return [line for pk, box in boxes.items() for line in _of_box(pk, box, channels.get(pk), rows.get(pk, {}))]


def _of_box(pk: int, box: Any, channel: Channel | None, stored: dict[int, Message]) -> Iterator[str]:
    if channel is None or channel.deleted_at:
        yield f"{pk} {box['name']}: not stored"
        return
    expected: dict[int, Any] = {int(m): facts_of_twin for m, facts_of_twin in box["messages"].items()}
    for missing in expected.keys() - stored.keys():
        yield f"{pk}: message {missing} is missing"
    for extra in stored.keys() - expected.keys():
        yield f"{pk}: message {extra} does not exist in the twin"
    for m in expected.keys() & stored.keys():
        actual = facts(stored[m])
        for name, default in NOTHING.items():
            value = expected[m].get(name, default)
            if actual[name] != value:
                yield f"{pk}/{m}: {name} is {actual[name]!r}, expected {value!r}"
    yield from _of_channel(pk, box, channel, stored)


NOTHING: dict[str, Any] = {
    "sha256": "", "type": 0, "author_id": "", "edited": None, "pinned_at": None, "reactions": {}, "attachments": [],
    "embeds": 0, "stickers": [], "components": 0, "reference": None, "snapshot_sha256": None, "poll": None,
    "webhook_id": None,
}  # fmt: skip


def facts(message: Message) -> dict[str, Any]:
    """Return a stored message in the format in which the twin describes its messages."""
    payload, poll = message.payload, message.payload.get("poll")
    snapshots = payload.get("message_snapshots")
    reference = payload.get("message_reference") or {}
    votes = {str(c["id"]): c["count"] for c in (poll or {}).get("results", {}).get("answer_counts", [])}
    return {
        "sha256": sha(message.content),
        "type": message.type,
        "author_id": str(message.author_id),
        "edited": moment(message.edited_at),
        "pinned_at": moment(message.pinned_at),
        "reactions": message.reactions,
        "attachments": [a["id"] for a in payload.get("attachments", [])],
        "embeds": len(payload.get("embeds", [])),
        "stickers": [s["id"] for s in payload.get("sticker_items", [])],
        "components": len(payload.get("components", [])),
        "reference": reference.get("message_id", reference.get("channel_id")),
        "snapshot_sha256": sha(snapshots[0]["message"]["content"]) if snapshots else None,
        "poll": {"question": poll["question"]["text"], "votes": votes} if poll else None,
        "webhook_id": payload.get("webhook_id"),
    }


def moment(value: Any) -> str | None:
    """Return a time in Discord's format, or None."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00") if value else None


def _of_channel(pk: int, box: Any, channel: Channel, stored: dict[int, Message]) -> Iterator[str]:
    pins = sorted(((moment(m.pinned_at), str(m.pk)) for m in stored.values() if m.pinned_at), reverse=True)
    actual: dict[str, Any] = {
        "name": channel.name, "type": channel.type, "thread": channel.is_thread,
        "parent_id": str(channel.parent_id) if channel.parent_id else None, "pins": [[m, at] for at, m in pins],
    }  # fmt: skip
    if channel.is_thread:
        actual |= {
            "archived": channel.archived, "locked": channel.locked, "applied_tags": channel.tags,
            "archive_timestamp": moment(channel.archive_timestamp),
        }  # fmt: skip
    for name, value in actual.items():
        expected = sorted(box[name], key=lambda pin: (pin[1], pin[0]), reverse=True) if name == "pins" else box[name]
        if value != expected:
            yield f"{pk} {box['name']}: {name} is {value!r}, expected {expected!r}"


def false_tombstones(twin: Twin) -> list[int]:
    """Return the ids of messages that exist in the twin, but are marked as deleted in the database."""
    present = [int(m) for box in twin.readable().values() for m in box["messages"]]
    return list(Message.objects.filter(pk__in=present).exclude(deleted_at=None).values_list("pk", flat=True))


def missed_deletions(twin: Twin) -> list[int]:
    """Return the ids of messages that were deleted in the twin, but are not marked as deleted in the database."""
    deleted = [int(m) for box in twin.readable().values() for m in box["deleted"]]
    return list(Message.objects.filter(pk__in=deleted, deleted_at=None).values_list("pk", flat=True))


def lost_revisions(twin: Twin, collected: Collection[int]) -> list[str]:
    """Return a line for each edited message without a stored revision of any earlier text.

    ``collected`` contains the ids of the messages to check. One revision of a message is enough, because a run sees
    only the last of several edits.
    """
    stored: dict[int, set[str]] = {}
    for pk, content in Revision.objects.values_list("message_id", "content"):
        stored.setdefault(pk, set()).add(sha(content))
    return [
        f"{m}: {len(old)}"
        for box in twin.readable().values()
        for m, old in box["revisions"].items()
        if int(m) in collected and not stored.get(int(m), set()) & set(old)
    ]
