"""Convert messages of every type, with their authors and mentioned people. Also convert Discord's ids and numbers.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from core.ingest.records import CONVERSION_ERRORS, Malformed, malformed_item
from core.ingest.values import Row, bounded_int, clean, clip, parse_time, utc_text
from discord_activity_tracker.convert.message_text import message_type, summarize
from discord_activity_tracker.payloads import Channel, Emoji, Message, Reaction, User
from discord_activity_tracker.protocol_impl import COMMON_TYPES, DiscordActivity

EPOCH = 1_420_070_400_000
"""Milliseconds from the Unix epoch to 2015-01-01 UTC. The times in Discord's ids count from that moment.

https://discord.com/developers/docs/reference#snowflakes
"""
LARGEST_ID = (1 << 63) - 1
"""The largest number that fits into a bigint column."""
LONGEST_NUMBER = 40
"""Number of digits from which a number counts as malformed. Permission bits of 128 bits have at most 39 digits."""


def snowflake(text: str | int) -> int:
    """Return an id as a number.

    Raises ValueError for a text that is not a number, and for a number that is negative or does not fit into a bigint
    column.
    """
    number = int(text)
    return number if 0 <= number <= LARGEST_ID else bounded_int(number)


def snowflake_or_none(text: str | int | None) -> int | None:
    """Return an id as a number, or ``None`` if it is missing. Exports write 0 for a missing id.

    Raises ValueError like ``snowflake``.
    """
    return (snowflake(text) or None) if text else None


def small_int(number: int | None) -> int:
    """Return a number for an integer column, or 0 for a missing number.

    Raises ValueError for a number that does not fit into 32 bits.
    """
    value = int(number or 0)
    return value if 0 <= value < 1 << 31 else bounded_int(value, 32, lowest=-(1 << 31))


def whole_number(value: object) -> int | None:
    """Return a non-negative number that Discord may write as text, such as permission bits.

    Returns ``None`` for any other value, and for a number of ``LONGEST_NUMBER`` digits or more.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else None


def snowflake_time(snowflake: int) -> datetime:
    """Return the UTC time at which an id was created. Discord's ids contain this time in milliseconds."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def first_snowflake(moment: datetime) -> int:
    """Return the smallest id that Discord can create at this time, or 0 for a time before 2015."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH) << 22


SIGNATURE = frozenset({"ex", "is", "hm"})


def unsigned(url: str) -> str:
    """Return a URL without Discord's expiring signature (``ex``, ``is``, ``hm``). Other parameters stay."""
    head, mark, query = url.partition("?")
    if not mark or "hm=" not in query or "ex=" not in query:
        return url
    rest = [part for part in query.split("&") if part and part.partition("=")[0] not in SIGNATURE]
    return f"{head}?{'&'.join(rest)}" if rest else head


NO_DISCRIMINATOR = frozenset({None, "", "0", "0000"})
"""Discriminators of webhooks and of users with a unique name. Bots have a discriminator from 0001 to 9999."""

ABSENT: Any = object()
"""Stands for a field that a user object lacks. It is not equal to any value that Discord can send."""
CACHED_ACCOUNTS = 4096
"""Number of cached account rows. They take about 2 MiB. With a smaller value, more rows would be created again."""


def account_row(user: User, *, kind: str = "", exported_at: datetime | None = None) -> Row:
    """Return the row of an account.

    ``kind`` overrides the kind in the user object. ``exported_at`` is the time of the export that contains the user.
    ``global_name`` and ``avatar`` are ``None`` if a partial object lacks these fields. Most pages contain the same
    accounts, so rows are cached and shared. Do not change them.

    Raises one of ``CONVERSION_ERRORS`` for a malformed user.
    """
    kind = kind or ("system" if user.get("system") else "bot" if user.get("bot") else "user")
    names = user["id"], user["username"], user.get("global_name", ABSENT), user.get("avatar", ABSENT)
    try:
        return _cached_account_row(*names, kind, exported_at)
    except TypeError:  # a malformed value that cannot be a key of the cache
        return _account_row(*names, kind, exported_at)


def _account_row(
    pk: str, username: str, global_name: str | None, avatar: str | None, kind: str, exported_at: datetime | None
) -> Row:
    return {
        "id": snowflake(pk),
        "username": clip(username, 200),
        "global_name": None if global_name is ABSENT else clip(global_name, 200),
        "kind": kind,
        "avatar": None if avatar is ABSENT else clip(avatar, 200),
        "exported_at": exported_at,
    }


_cached_account_row = lru_cache(CACHED_ACCOUNTS)(_account_row)


def is_webhook(message: Message) -> bool:
    """Return whether the author is a webhook and not a bot.

    A webhook can have a different name in each message. Replies to commands also have a ``webhook_id``, but it is the
    id of the application, and the application's bot is the author. Old replies lack ``application_id``. In that case,
    the author's id, the command or the discriminator shows who the author is.
    https://discord.com/developers/docs/resources/message#message-object
    """
    hook, author = message.get("webhook_id"), cast("Mapping[str, Any]", message["author"])
    if not hook or str(hook) == str(message.get("application_id")) or str(author.get("id")) != str(hook):
        return False
    if message.get("interaction") or message.get("interaction_metadata"):
        return False
    return author.get("discriminator") in NO_DISCRIMINATOR


def is_webhook_user(user: User) -> bool:
    """Return whether a mentioned user is a webhook. Webhooks have the discriminator 0000, and bots do not."""
    return bool(user.get("bot")) and user.get("discriminator") == "0000"


SPOKEN = frozenset({0, 19})
"""Types of messages that people write: default (0) and reply (19)."""
CONTENT_PARTS = ("attachments", "embeds", "components", "sticker_items", "stickers", "poll", "message_snapshots")
"""Parts of a message that contain content in addition to the text."""
NOT_IN_PAYLOAD = frozenset(
    {
        "author", "member", "mentions", "referenced_message", "thread", "reactions", "resolved", "position", "content",
        "id", "channel_id", "timestamp", "edited_timestamp", "pinned",
    }
)  # fmt: skip
"""Fields to leave out of the stored payload, such as data of people, copies of messages, and fields with a column."""
SIGNED = frozenset({"url", "proxy_url", "icon_url", "proxy_icon_url"})
READER_FIELDS = frozenset({"me", "me_voted", "me_burst"})


@dataclass(kw_only=True, slots=True)
class MessageRecord:
    """A converted message: its row, and the values of its timeline row that are not in the row.

    The row has no ``conversation``, because it depends on the messages that are already stored.
    """

    guild_id: int
    row: Row
    activity_type: str
    actor_name: str

    @property
    def summary(self) -> str:
        """The message in one short line. It is computed when needed, because most timeline rows do not store it."""
        return summarize(self.row["type"], self.row["content"], self.row["payload"])

    @property
    def activity(self) -> DiscordActivity:
        """The activity of the message. Messages that are appended to a channel do not need it."""
        row, guild_id = self.row, self.guild_id
        channel_id, pk = row["channel_id"], row["id"]
        return DiscordActivity(
            external_id=f"discord:message:{guild_id}:{channel_id}:{pk}",
            occurred_at=utc_text(row["created_at"]),
            activity_type=self.activity_type,
            actor_external_id=str(row["author_id"]),
            source_url=f"https://discord.com/channels/{guild_id}/{channel_id}/{pk}",
            summary=self.summary,
            actor_name=self.actor_name,
            edited_at=row["edited_at"],
            common=self.activity_type in COMMON_TYPES,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePage:
    """A page of messages: their records, the mentioned accounts and webhooks by id, and the malformed messages."""

    records: list[MessageRecord] = field(default_factory=list[MessageRecord])
    accounts: dict[int, Row] = field(default_factory=dict[int, Row])
    malformed: list[Malformed] = field(default_factory=list[Malformed])
    webhooks: dict[int, Row] = field(default_factory=dict[int, Row])
    threads: list[Channel] = field(default_factory=list[Channel])
    """Threads that start at one of the messages, as Discord sent them.

    Discord's lists of threads may lack some of them.
    """

    @property
    def rows(self) -> list[Row]:
        """The rows of the messages."""
        return [record.row for record in self.records]

    @property
    def blank(self) -> int:
        """Number of default messages and replies without any content.

        Without the Message Content Intent, Discord sends almost all messages without content.
        """
        return sum(_is_blank(record.row) for record in self.records)


def convert_messages(
    items: Sequence[Message], guild_id: int, channel_id: int, exported_at: datetime | None = None
) -> MessagePage:
    """Convert the messages one by one. A malformed message is recorded, and the conversion continues with the next one.

    ``exported_at`` is the time of the exported file that contains the messages. It is ``None`` for messages from the
    API.
    """
    page = MessagePage()
    for item in items:
        try:
            author = _author(item, exported_at)
            record = _record(item, author, guild_id, channel_id)
            mentions = item.get("mentions")
            mentioned = [(account_row(user, exported_at=exported_at), user) for user in mentions] if mentions else ()
        except CONVERSION_ERRORS as error:
            page.malformed.append(malformed_item(item, error))
            continue
        page.records.append(record)
        if not item.get("webhook_id"):
            author = _known_row(author, page) or author
        if isinstance(thread := item.get("thread"), dict):
            page.threads.append(thread)
        for person, user in mentioned:
            _add_person(page, person, webhook=is_webhook_user(user))
        _add_person(page, author, webhook=author["kind"] == "webhook")
    return page


def _add_person(page: MessagePage, row: Row, *, webhook: bool) -> None:
    """Add an account to the page. Fields that a partial user object lacks come from an earlier object on the page."""
    people = page.webhooks if webhook else page.accounts
    earlier = people.get(row["id"])
    if earlier is row:
        return
    if earlier and (row["global_name"] is None or row["avatar"] is None):
        row = {name: earlier[name] if value is None and name != "exported_at" else value for name, value in row.items()}
    people[row["id"]] = row


def _known_row(author: Row, page: MessagePage) -> Row | None:
    """Return the account row of the page that has the same id, username and avatar, or ``None``."""
    known = page.accounts.get(author["id"])
    if known is None or known is author:
        return known
    is_same = known["username"] == author["username"] and known["avatar"] == (author["avatar"] or "")
    return known if is_same else None


def _author(message: Message, exported_at: datetime | None) -> Row:
    """Return the account row of the author. Only webhooks and replies to commands have a ``webhook_id``."""
    kind = ("webhook" if is_webhook(message) else "bot") if message.get("webhook_id") else ""
    return account_row(message["author"], kind=kind, exported_at=exported_at)


def _record(message: Message, author: Row, guild_id: int, channel_id: int) -> MessageRecord:
    pk, number, content = snowflake(message["id"]), small_int(message["type"]), clean(message["content"])
    payload, webhook_name = _payload(message), author["username"] if author["kind"] == "webhook" else ""
    edited_timestamp, reference = message.get("edited_timestamp"), message.get("message_reference")
    reactions = message.get("reactions")
    row = {
        "id": pk,
        "channel_id": channel_id,
        "author_id": author["id"],
        "webhook_name": webhook_name,
        "type": number,
        "content": content,
        "created_at": snowflake_time(pk),
        "edited_at": parse_time(edited_timestamp) if edited_timestamp else None,
        "pinned": bool(message.get("pinned")),
        "reply_to": snowflake_or_none(reference.get("message_id")) if reference else None,
        "reactions": _reactions(reactions) if reactions else {},
        "payload": payload,
        "deleted_at": None,
    }
    return MessageRecord(
        guild_id=guild_id,
        row=row,
        activity_type=f"discord.{message_type(number)}"[:64],
        actor_name=webhook_name or author["global_name"] or author["username"],
    )


def _is_blank(row: Row) -> bool:
    return not row["content"] and row["type"] in SPOKEN and not any(row["payload"].get(part) for part in CONTENT_PARTS)


def _reactions(reactions: Iterable[Reaction]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for reaction in reactions:
        details = reaction.get("count_details")
        normal, burst = (details["normal"], details["burst"]) if details else (reaction["count"], 0)
        counts[emoji_key(reaction["emoji"])] = {"normal": int(normal), "burst": int(burst)}
    return counts


def emoji_key(emoji: Emoji) -> str:
    """Return the emoji itself, or ``name:id`` for a custom emoji. A deleted custom emoji has an empty name."""
    name = clean(emoji.get("name"))
    return f"{name}:{emoji['id']}" if emoji.get("id") else name


def _payload(message: Message) -> Any:
    """Return the payload to store: the ids of mentioned users, and the other non-empty fields without a column."""
    payload: dict[str, Any] = {
        key: _stable(value) if isinstance(value, (dict, list, str)) else value
        for key, value in message.items()
        if value and key not in NOT_IN_PAYLOAD
    }
    if mentioned := message.get("mentions"):
        payload["mentions"] = sorted(str(user["id"]) for user in mentioned)
    return payload


def _stable(value: object) -> object:
    """Return a value from which URL signatures, names of people, and the bot's own reactions and votes are removed."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_stable(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if "username" in members and "id" in members:
        return {"id": members["id"]}
    return {
        clean(key): _stable(unsigned(member) if key in SIGNED and isinstance(member, str) else member)
        for key, member in members.items()
        if key not in READER_FIELDS
    }
