"""Stores an invented guild and messages directly in the database, without an HTTP server."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.ingest.records import PageResult
from core.models import Scope
from discord_activity_tracker.convert.messages import convert_messages, first_snowflake
from discord_activity_tracker.models import Channel, Guild
from discord_activity_tracker.store.conversations import Location
from discord_activity_tracker.store.messages import PageWrite, store_messages

GUILD, CHANNEL, THREAD = 4_100_000_000_000_000_001, 4_100_000_000_000_000_101, 4_100_000_000_000_000_201
BEGINNING = datetime(2025, 3, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = {"mirela": 4_100_000_000_000_001_001, "tobe": 4_100_000_000_000_001_002, "ann": 4_100_000_000_000_001_003}


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"id": str(PEOPLE[name]), "username": name, "global_name": name.title(), "bot": False, **more}


def at(minutes: float) -> int:
    """Return the id of a message that was posted ``minutes`` minutes after ``BEGINNING``."""
    return first_snowflake(BEGINNING + timedelta(minutes=minutes))


def message(pk: int, content: str = "words", by: str = "mirela", **more: Any) -> Any:
    """Return a message in the format of Discord's API."""
    return {
        "id": str(pk), "channel_id": str(CHANNEL), "type": 0, "content": content, "author": person(by),
        "timestamp": "2025-03-01T08:00:00+00:00", "edited_timestamp": None, "pinned": False, "flags": 0,
        "mentions": [], "attachments": [], "embeds": [], **more,
    }  # fmt: skip


def make_guild() -> None:
    """Store a guild with a channel, a thread and the scope of the channel."""
    Guild.objects.create(id=GUILD, name="Saltmarsh Works")
    parts: dict[str, Any] = {"guild_id": GUILD, "payload": {}}
    Channel.objects.create(id=CHANNEL, type=0, kind="text", name="harbour", **parts)
    Channel.objects.create(
        id=THREAD, type=11, kind="public_thread", name="Gauge files", is_thread=True, parent_id=CHANNEL, **parts
    )
    Scope.objects.create(
        source_system="discord", external_id=f"{GUILD}/{CHANNEL}", name="Saltmarsh Works/harbour", url=""
    )


def place(channel: int = CHANNEL) -> Location:
    scope = Scope.objects.get(source_system="discord", external_id=f"{GUILD}/{CHANNEL}")
    return Location(guild_id=GUILD, channel_id=channel, scope_id=scope.pk, is_thread=channel == THREAD)


def store(items: Sequence[Any], *, channel: int = CHANNEL, gone: Collection[int] = ()) -> PageResult:
    """Convert and store a page of messages, and mark the messages in ``gone`` as deleted."""
    page = convert_messages(items, GUILD, channel)
    assert not page.malformed
    return store_messages([PageWrite(page=page, location=place(channel), states={})], now=NOW, deleted=gone)[0]


def document(first: int, channel: int = CHANNEL) -> str:
    return f"discord:conversation:{GUILD}:{channel}:{first}"
