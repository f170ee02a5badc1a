"""Messages of every type.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from discord_activity_tracker.convert.message_types import message_type
from discord_activity_tracker.convert.noise import unsigned
from discord_activity_tracker.convert.people import account_row, is_webhook, is_webhook_user
from discord_activity_tracker.convert.snowflakes import moment_of
from discord_activity_tracker.convert.texts import (
    MALFORMED,
    Row,
    clean,
    clip,
    moment_or_none,
    small,
    snowflake,
    snowflake_or_none,
    storable,
    what_is_malformed,
)
from discord_activity_tracker.convert.words import summary
from discord_activity_tracker.payloads import Channel, Emoji, Message, Reaction
from discord_activity_tracker.protocol_impl import DiscordActivity

SPOKEN = frozenset({0, 19})
SAID = ("attachments", "embeds", "components", "sticker_items", "stickers", "poll", "message_snapshots")
"""Parts of a message that say something beside its content."""
APART = frozenset(
    {
        "author", "member", "mentions", "referenced_message", "thread", "reactions", "resolved", "position", "content",
        "id", "channel_id", "timestamp", "edited_timestamp", "pinned",
    }
)  # fmt: skip
"""Left out of the payload that is kept: names and pictures of people, copies of messages, and what has a column."""
SIGNED = frozenset({"url", "proxy_url", "icon_url", "proxy_icon_url"})
NOT_KEPT = frozenset({"me", "me_voted", "me_burst"})


@dataclass(kw_only=True, slots=True)
class Converted:
    """A page of messages: rows without ``conversation``, which depends on what is kept already."""

    rows: list[Row] = field(default_factory=list[Row])
    activities: dict[int, DiscordActivity] = field(default_factory=dict[int, DiscordActivity])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    webhooks: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[tuple[str, str, object]] = field(default_factory=list[tuple[str, str, object]])
    """Id, reason and payload."""
    threads: list[Channel] = field(default_factory=list[Channel])
    """Threads that begin at one of the messages, as Discord sent them; some are in no list of threads."""
    blank: int = 0
    """Messages of people that say nothing at all, as all do without the intent to read contents."""


def convert_messages(
    items: Sequence[Message], guild_id: int, channel_id: int, exported_at: datetime | None = None
) -> Converted:
    """Convert one by one: what is malformed is set aside and stops nothing.

    ``exported_at`` is the time of the exported file that the messages come from; ``None`` for messages from the API.
    """
    page = Converted()
    for item in items:
        try:
            row = _row(item, channel_id)
            activity = _activity(item, row, guild_id)
            mentioned = [(account_row(user, exported_at=exported_at), user) for user in item.get("mentions") or ()]
            author = _author(item, page, exported_at)
        except MALFORMED as error:
            page.malformed.append((_id_of(item), what_is_malformed(error), storable(item)))
            continue
        page.rows.append(row)
        page.blank += _says_nothing(row)
        if isinstance(thread := item.get("thread"), dict):
            page.threads.append(thread)
        page.activities[row["id"]] = activity
        for person, user in mentioned:
            _add_person(page, person, webhook=is_webhook_user(user))
        _add_person(page, author, webhook=author["kind"] == "webhook")
    return page


def _add_person(page: Converted, row: Row, *, webhook: bool) -> None:
    """Add an account; what a partial user object lacks comes from an earlier object of the page."""
    people = page.webhooks if webhook else page.accounts
    earlier = people.get(row["id"])
    if earlier and (row["global_name"] is None or row["avatar"] is None):
        row = {name: earlier[name] if value is None and name != "exported_at" else value for name, value in row.items()}
    people[row["id"]] = row


def _id_of(item: object) -> str:
    return str(cast("Mapping[str, object]", item).get("id")) if isinstance(item, Mapping) else "?"


def _author(message: Message, page: Converted, exported_at: datetime | None) -> Row:
    """The author's row, made once a page."""
    author = message["author"]
    if message.get("webhook_id"):
        kind = "webhook" if is_webhook(message) else "bot"
        return account_row(author, kind=kind, exported_at=exported_at)
    known = page.accounts.get(int(author["id"]))
    if known and known["username"] == author["username"] and known["avatar"] == (author.get("avatar") or ""):
        return known
    return account_row(author, exported_at=exported_at)


def _row(message: Message, channel_id: int) -> Row:
    webhook = is_webhook(message)
    reference = message.get("message_reference") or {}
    return {
        "id": snowflake(message["id"]),
        "channel_id": channel_id,
        "author_id": snowflake(message["author"]["id"]),
        "webhook_name": clip(message["author"]["username"], 200) if webhook else "",
        "type": small(message["type"]),
        "content": clean(message["content"]),
        "created_at": moment_of(snowflake(message["id"])),
        "edited_at": moment_or_none(message.get("edited_timestamp")),
        "pinned": bool(message.get("pinned")),
        "reply_to": snowflake_or_none(reference.get("message_id")),
        "reactions": _reactions(message.get("reactions") or []),
        "payload": _kept(message),
        "deleted_at": None,
    }


def _says_nothing(row: Row) -> bool:
    return row["type"] in SPOKEN and not row["content"] and not any(row["payload"].get(part) for part in SAID)


def _activity(message: Message, row: Row, guild_id: int) -> DiscordActivity:
    author, channel_id, pk = message["author"], row["channel_id"], row["id"]
    return DiscordActivity(
        external_id=f"discord:message:{guild_id}:{channel_id}:{pk}",
        occurred_at=row["created_at"].isoformat().replace("+00:00", "Z"),
        activity_type=f"discord.{message_type(row['type'])}"[:64],
        actor_external_id=str(row["author_id"]),
        source_url=f"https://discord.com/channels/{guild_id}/{channel_id}/{pk}",
        summary=summary(row["type"], row["content"], row["payload"]),
        actor_name=clip(row["webhook_name"] or author.get("global_name") or author["username"], 200),
        edited_at=row["edited_at"],
    )


def _reactions(reactions: Iterable[Reaction]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for reaction in reactions:
        details = reaction.get("count_details")
        normal, burst = (details["normal"], details["burst"]) if details else (reaction["count"], 0)
        found[emoji_key(reaction["emoji"])] = {"normal": int(normal), "burst": int(burst)}
    return found


def emoji_key(emoji: Emoji) -> str:
    """The emoji itself, or ``name:id`` of a custom one; the name is empty when it was deleted."""
    name = clean(emoji.get("name"))
    return f"{name}:{emoji['id']}" if emoji.get("id") else name


def _kept(message: Message) -> Any:
    """The rest of a message, without what is empty or false."""
    kept: dict[str, Any] = {
        key: _steady(value) if isinstance(value, (dict, list, str)) else value
        for key, value in message.items()
        if value and key not in APART
    }
    if mentioned := message.get("mentions"):
        kept["mentions"] = sorted(str(user["id"]) for user in mentioned)
    return kept


def _steady(value: object) -> object:
    """A value without what changes by itself: signatures, the reader's own marks, names of people."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_steady(member) for member in value]
    if not isinstance(value, dict):
        return value
    found = cast("dict[str, Any]", value)
    if "username" in found and "id" in found:
        return {"id": found["id"]}
    return {
        clean(key): _steady(unsigned(member) if key in SIGNED and isinstance(member, str) else member)
        for key, member in found.items()
        if key not in NOT_KEPT
    }
