"""Writes files with invented messages in the format of DiscordChatExporter."""

import json
from pathlib import Path
from typing import Any

from discord_activity_tracker.convert.messages import snowflake_time
from tests.support.discord_fixtures import CHANNEL, GUILD, PEOPLE


def user(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(PEOPLE[name]), "name": name, "discriminator": "0000", "nickname": f"{name.title()} of the pier",
        "color": None, "isBot": False, "roles": [], "avatarUrl": "assets/0.png", **more,
    }  # fmt: skip


def exported(pk: int, content: str = "words", by: str = "mirela", **more: Any) -> dict[str, Any]:
    """Return a message in the format of an export."""
    return {
        "id": str(pk), "type": "Default", "timestamp": snowflake_time(pk).isoformat(), "timestampEdited": None,
        "callEndedTimestamp": None, "isPinned": False, "content": content, "author": user(by), "attachments": [],
        "components": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [], "inlineEmojis": [], **more,
    }  # fmt: skip


def export(
    path: Path, messages: list[dict[str, Any]], *, exported_at: str | None = "2025-06-01T10:00:00.1234567+02:00",
    count: int | None = None, guild: dict[str, Any] | None = None, **channel: Any,
) -> Path:  # fmt: skip
    """Write an export of one channel with these messages to ``path``, and return the path."""
    channel_object = {
        "id": str(CHANNEL), "type": "GuildTextChat", "categoryId": "4100000000000000999", "category": "Talk",
        "name": "old-harbour", "topic": "Boats", **channel,
    }  # fmt: skip
    whole = {
        "guild": guild or {"id": str(GUILD), "name": "Saltmarsh Works", "iconUrl": "assets/1.png"},
        "channel": channel_object,
        "dateRange": {"after": None, "before": None}, "exportedAt": exported_at, "messages": messages,
        "messageCount": len(messages) if count is None else count,
    }  # fmt: skip
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False))
    return path
