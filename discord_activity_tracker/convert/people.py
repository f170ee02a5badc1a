"""Users, bots and webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from core.ingest.values import Row, clip
from discord_activity_tracker.convert.snowflakes import snowflake
from discord_activity_tracker.payloads import Message, User

NO_DISCRIMINATOR = frozenset({None, "", "0", "0000"})
"""Discriminators of webhooks and of users with a unique name. A bot has one of its own, from 0001 to 9999."""


def account_row(user: User, *, kind: str = "", exported_at: datetime | None = None) -> Row:
    """Return an account; KeyError, TypeError or ValueError for a malformed user.

    ``kind`` overrides the kind that the user object says. ``exported_at`` is the time of the export that names the
    user. ``global_name`` and ``avatar`` are ``None`` where the object does not have these fields, as partial objects.
    """
    flagged = "system" if user.get("system") else "bot" if user.get("bot") else "user"
    return {
        "id": snowflake(user["id"]),
        "username": clip(user["username"], 200),
        "global_name": clip(user["global_name"], 200) if "global_name" in user else None,
        "kind": kind or flagged,
        "avatar": clip(user["avatar"], 200) if "avatar" in user else None,
        "exported_at": exported_at,
    }


def is_webhook(message: Message) -> bool:
    """Whether the author is a webhook, which has another name with each message, and not an application's bot.

    Answers to commands have a ``webhook_id`` too: that of the application, whose bot is the author. Old answers lack
    ``application_id``; there the author is recognised by its own id, by the command or by its discriminator.
    https://discord.com/developers/docs/resources/message#message-object
    """
    hook, author = message.get("webhook_id"), cast("Mapping[str, Any]", message["author"])
    if not hook or str(hook) == str(message.get("application_id")) or str(author.get("id")) != str(hook):
        return False
    if message.get("interaction") or message.get("interaction_metadata"):
        return False
    return author.get("discriminator") in NO_DISCRIMINATOR


def is_webhook_user(user: User) -> bool:
    """Whether a mentioned user is a webhook: bots have a discriminator, webhooks have 0000."""
    return bool(user.get("bot")) and user.get("discriminator") == "0000"
