"""Messages of every type.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from core.ingest.records import CONVERSION_ERRORS, Page, Record, malformed_item
from core.ingest.values import Row, clean, clip, parse_time_or_none, utc_text
from discord_activity_tracker.convert.message_types import message_type
from discord_activity_tracker.convert.noise import unsigned
from discord_activity_tracker.convert.people import account_row, is_webhook, is_webhook_user
from discord_activity_tracker.convert.snowflakes import moment_of, small_int, snowflake, snowflake_or_none
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePage(Page):
    """A page of messages. Its rows have no ``conversation``: that depends on the messages that are stored already."""

    webhooks: dict[int, Row] = field(default_factory=dict[int, Row])
    threads: list[Channel] = field(default_factory=list[Channel])
    """Threads that start at one of the messages, as Discord sent them; some are in no list of threads."""

    @property
    def rows(self) -> list[Row]:
        """The rows of the messages."""
        return [record.row for record in self.records]

    @property
    def blank(self) -> int:
        """Number of posts without any content, as all posts are without the intent to read message content."""
        return sum(_is_blank(record.row) for record in self.records)


def convert_messages(
    items: Sequence[Message], guild_id: int, channel_id: int, exported_at: datetime | None = None
) -> MessagePage:
    """Convert the messages one by one. A malformed message is recorded; the others continue.

    ``exported_at`` is the time of the exported file that contains the messages; ``None`` for messages from the API.
    """
    page = MessagePage()
    for item in items:
        try:
            row = _row(item, channel_id)
            activity = _activity(item, row, guild_id)
            mentioned = [(account_row(user, exported_at=exported_at), user) for user in item.get("mentions") or ()]
            author = _author(item, page, exported_at)
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(item, error))
            continue
        page.records.append(Record(row=row, activity=activity, kind="conversation"))
        if isinstance(thread := item.get("thread"), dict):
            page.threads.append(thread)
        for person, user in mentioned:
            _add_person(page, person, webhook=is_webhook_user(user))
        _add_person(page, author, webhook=author["kind"] == "webhook")
    return page


def _add_person(page: MessagePage, row: Row, *, webhook: bool) -> None:
    """Add an account; what a partial user object lacks comes from an earlier object of the page."""
    people = page.webhooks if webhook else page.accounts
    earlier = people.get(row["id"])
    if earlier and (row["global_name"] is None or row["avatar"] is None):
        row = {name: earlier[name] if value is None and name != "exported_at" else value for name, value in row.items()}
    people[row["id"]] = row


def _author(message: Message, page: MessagePage, exported_at: datetime | None) -> Row:
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
        "type": small_int(message["type"]),
        "content": clean(message["content"]),
        "created_at": moment_of(snowflake(message["id"])),
        "edited_at": parse_time_or_none(message.get("edited_timestamp")),
        "pinned": bool(message.get("pinned")),
        "reply_to": snowflake_or_none(reference.get("message_id")),
        "reactions": _reactions(message.get("reactions") or []),
        "payload": _kept(message),
        "deleted_at": None,
    }


def _is_blank(row: Row) -> bool:
    return row["type"] in SPOKEN and not row["content"] and not any(row["payload"].get(part) for part in SAID)


def _activity(message: Message, row: Row, guild_id: int) -> DiscordActivity:
    author, channel_id, pk = message["author"], row["channel_id"], row["id"]
    return DiscordActivity(
        external_id=f"discord:message:{guild_id}:{channel_id}:{pk}",
        occurred_at=utc_text(row["created_at"]),
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
