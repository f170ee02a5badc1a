"""Convert the data in files of DiscordChatExporter to payloads as Discord's API would send them, and to rows.

The exporter writes the names of types instead of their numbers, resolves mentions in texts, and fills the empty
contents of system messages with sentences. Tables translate the names to numbers. An unknown name becomes -1.
Resolved mentions stay as they are.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from core.ingest.values import Row, clean, clean_json, clip, parse_time, parse_time_or_none
from discord_activity_tracker.convert.guilds import THREADS, kind_of
from discord_activity_tracker.convert.messages import account_row, emoji_key, snowflake, snowflake_or_none
from discord_activity_tracker.payloads import Message

Payload = Mapping[str, Any]
EXPORTED = "exported_at"
"""Name of the payload field with the time of the export. Payloads from Discord's API have no field of this name."""
NAMED = "name_exported_at"
"""Name of a field in a channel's payload: the time of the export that the name of the channel is from."""
PARTIAL = "partial"
"""Name of a field in a channel's payload.

The field is true if only the id and the name of the channel are known, from a file of another channel.
"""
DELETED_EMOJI = "Unknown Emoji"
"""The exporter's name for a deleted custom emoji, for which Discord sends no name.

Real emoji names contain no spaces.
"""
UNDATED = datetime(2015, 1, 1, tzinfo=UTC)
"""The time to assume for an export without a date. Every real export is later, because Discord's ids begin in 2015."""
EMBED_TYPES = {24: "auto_moderation_message", 46: "poll_result"}
"""Embed type by message type. The exporter does not write the types of embeds."""
MESSAGE_TYPES = {
    "Default": 0, "RecipientAdd": 1, "RecipientRemove": 2, "Call": 3, "ChannelNameChange": 4, "ChannelIconChange": 5,
    "ChannelPinnedMessage": 6, "GuildMemberJoin": 7, "ThreadCreated": 18, "Reply": 19,
}  # fmt: skip
CHANNEL_TYPES = {
    "GuildTextChat": 0, "GuildVoiceChat": 2, "GuildCategory": 4, "GuildNews": 5, "GuildNewsThread": 10,
    "GuildPublicThread": 11, "GuildPrivateThread": 12, "GuildStageVoice": 13, "GuildDirectory": 14, "GuildForum": 15,
}  # fmt: skip
UNKNOWN = -1
WITH_GENERATED_CONTENT = range(1, 19)
"""Types of messages for which the exporter writes a sentence as content."""
COMPONENTS = {"ActionRow": 1, "Button": 2}


def message_of(item: Payload, channel_id: int, exported_at: str) -> Message:
    """Return an exported message as the API would send it.

    Raises one of ``CONVERSION_ERRORS`` for a malformed message.
    """
    number = _number(item["type"], MESSAGE_TYPES)
    reply, forwarded = item.get("reference") or {}, item.get("forwardedMessage")
    parse_time(item["timestamp"])
    message: dict[str, Any] = {
        "id": item["id"], "channel_id": str(channel_id), "type": number, "timestamp": item["timestamp"],
        "edited_timestamp": item.get("timestampEdited"), "pinned": item.get("isPinned") is True,
        "content": item["content"], "author": _user(item["author"]),
        "mentions": [_user(user) for user in item.get("mentions") or []],
        "reactions": [
            {"emoji": _emoji(reaction["emoji"]), "count": reaction["count"]}
            for reaction in item.get("reactions") or []
        ],
        EXPORTED: exported_at,
        **_attached_parts(item),
    }  # fmt: skip
    if number == UNKNOWN:
        message["type_name"] = str(item["type"])
    if number in EMBED_TYPES:
        message["embeds"] = [{**embed, "type": EMBED_TYPES[number]} for embed in message["embeds"]]
    if nickname := _nickname(item["author"]):
        message["author_nickname"] = nickname
    if number in WITH_GENERATED_CONTENT:
        message |= {"content": "", "content_in_words": item["content"]}
    if reply:
        names = {"messageId": "message_id", "channelId": "channel_id", "guildId": "guild_id"}
        message["message_reference"] = {
            new: reply[old] for old, new in names.items() if snowflake_or_none(reply.get(old))
        }
        message["message_reference"]["type"] = int(reply.get("type") == "Forward" or forwarded is not None)
    if forwarded:
        message["message_snapshots"] = [
            {"message": {"content": forwarded.get("content") or "", **_attached_parts(forwarded)}}
        ]
    if _is_webhook(item["author"]):
        message["webhook_id"] = item["author"]["id"]
    if interaction := item.get("interaction"):
        message["interaction"] = {"id": interaction.get("id"), "name": interaction.get("name")}
    return cast("Message", message)


def channel_rows(guild: Payload, channel: Payload, exported_at: str) -> tuple[Row, list[Row]]:
    """Return the row of the guild, and the rows of the channel's parent (if any) and of the channel.

    Fields that an export does not contain are absent or have a fixed value.
    """
    guild_id, number = snowflake(guild["id"]), _number(channel["type"], CHANNEL_TYPES)
    # In an export, the category of a thread is the channel that contains the thread. The export does not report whether
    # this channel is a forum.
    parent, is_thread = snowflake_or_none(channel.get("categoryId")), number in THREADS
    above = 5 if number == 10 else 0 if is_thread else 4
    own = _channel(guild_id, snowflake(channel["id"]), number, channel["name"], exported_at, parent)
    own |= {"topic": clean(channel.get("topic")), "is_thread": is_thread}
    own["payload"] |= {PARTIAL: False}
    rows = [_channel(guild_id, parent, above, str(channel.get("category") or ""), exported_at)] if parent else []
    guild_row = {
        "id": guild_id, "name": clip(guild["name"], 200), "description": "", "icon": "", "owner_id": None,
        "payload": {EXPORTED: exported_at}, "enabled": False,
    }  # fmt: skip
    return guild_row, [*rows, own]


def guild_changes(old: Row, new: Row) -> Row:
    """Return the new ``name`` and ``payload`` of a stored guild, or an empty row if the export changes nothing.

    Data from Discord's API is never changed.
    """
    if EXPORTED not in old["payload"] or not is_newer(new["payload"][EXPORTED], old["payload"][EXPORTED]):
        return {}
    return {"name": new["name"] or old["name"], "payload": new["payload"]}


def channel_changes(old: Row, new: Row) -> Row:
    """Return the new values of the fields that an export changes in a stored channel. Empty if nothing changes.

    The name comes from the newest export that mentions the channel. Everything else comes from the newest file of the
    channel itself. Data from Discord's API is never changed.
    """
    before, after = old["payload"], new["payload"]
    if EXPORTED not in before:
        return {}
    # Earlier releases did not store whether a channel was known only from another channel's file.
    was_partial = before.get(PARTIAL, not old["topic"] and old["parent_id"] is None and not old["is_thread"])
    described = not after[PARTIAL] and (was_partial or is_newer(after[EXPORTED], before[EXPORTED]))
    named_at = before.get(NAMED, before[EXPORTED])
    changes: Row = {}
    if described:
        changes |= {name: new[name] for name in ("parent_id", "type", "kind", "is_thread", "topic")}
    if new["name"] and (not old["name"] or is_newer(after[NAMED], named_at)):
        changes["name"], named_at = new["name"], after[NAMED]
    if changes:
        payload = {EXPORTED: (after if described else before)[EXPORTED], NAMED: named_at}
        changes["payload"] = payload | {PARTIAL: was_partial and not described}
    return changes


def is_newer(one: str, other: str) -> bool:
    """Return whether the first export time is after the second. An export without a valid time counts as older."""
    first, second = parse_time_or_none(one), parse_time_or_none(other)
    return first is not None and (second is None or first > second)


def export_time(exported_at: str) -> datetime:
    """Return the time at which an export was made, or ``UNDATED`` if it is unknown."""
    return parse_time_or_none(exported_at) or UNDATED


def reactor_rows(item: Payload, exported_at: str) -> Iterable[tuple[str, Row]]:
    """Yield the accounts that reacted to a message, each with the key of the emoji (see ``emoji_key``)."""
    for reaction in item.get("reactions") or []:
        for user in reaction.get("users") or []:
            account = account_row(_user(user), exported_at=export_time(exported_at))
            yield emoji_key(_emoji(reaction["emoji"])), account


def _emoji(emoji: Payload) -> Any:
    """Return an emoji as the API writes it. A deleted custom emoji has no name."""
    pk, name = emoji.get("id") or None, emoji.get("name")
    return {"id": pk, "name": None if pk and name == DELETED_EMOJI else name}


def _number(word: object, table: Mapping[str, int]) -> int:
    """Return the number of a message type or channel type.

    ``word`` is the exporter's name of the type, or the number if the exporter has no name for the type. Returns -1 for
    a name that is not in the table. Raises TypeError for a value that is neither a text nor an integer.
    """
    if not isinstance(word, str | int):
        raise TypeError("the type is neither a word nor a number")
    text = str(word)
    return table[text] if text in table else int(text) if text.isdecimal() and len(text) < 10 else UNKNOWN


def _user(user: Payload) -> Any:
    """Return a user as the API writes it.

    The nickname in an export can be the name in the server, the global name or the username. Therefore, neither the
    nickname nor the global name is set.
    """
    return {
        "id": user["id"], "username": str(user["name"]), "global_name": "", "avatar": "",
        "bot": user.get("isBot") is True, "discriminator": user.get("discriminator"),
    }  # fmt: skip


def _nickname(user: Payload) -> str:
    """Return the exporter's ``nickname`` if it differs from the username, or an empty string."""
    nickname = user.get("nickname")
    return nickname if isinstance(nickname, str) and nickname != user["name"] else ""


def _is_webhook(author: Payload) -> bool:
    """Return whether the author is a webhook. Webhooks are the only bots with the discriminator 0000."""
    return author.get("isBot") is True and author.get("discriminator") == "0000"


def _attached_parts(item: Payload) -> dict[str, Any]:
    """Return the files, embeds, stickers and components of a message or of a forwarded message."""
    files, stickers = item.get("attachments") or [], item.get("stickers") or []
    return {
        "attachments": [
            {"id": file["id"], "filename": file.get("fileName"), "size": file.get("fileSizeBytes"),
             "url": file.get("url")}
            for file in files
        ],
        "embeds": [_embed(embed) for embed in item.get("embeds") or []],
        "sticker_items": [{"id": sticker["id"], "name": sticker.get("name")} for sticker in stickers],
        "components": [_component(component) for component in item.get("components") or []],
    }  # fmt: skip


def _embed(embed: Payload) -> dict[str, Any]:
    parts = {name: embed[name] for name in ("title", "url", "timestamp", "description") if embed.get(name)}
    author, footer = embed.get("author") or {}, embed.get("footer") or {}
    fields = [{"name": field["name"], "value": field["value"]} for field in embed.get("fields") or []]
    nested = {"author": {"name": author.get("name")} if author else None, "fields": fields}
    nested |= {"footer": {"text": footer.get("text")} if footer else None}
    return parts | {name: part for name, part in nested.items() if part}


def _component(component: Payload) -> dict[str, Any]:
    names = ("label", "url", "content", "placeholder", "description", "name")
    texts = {name: component[name] for name in names if component.get(name)}
    inner = [_component(child) for child in component.get("components") or []]
    return {
        "type": COMPONENTS.get(str(component.get("type")), UNKNOWN),
        **texts,
        **({"components": inner} if inner else {}),
    }


def _channel(guild_id: int, pk: int, number: int, name: str, exported_at: str, parent: int | None = None) -> Row:
    payload = clean_json({EXPORTED: exported_at, NAMED: exported_at, PARTIAL: True})
    return {
        "id": pk, "guild_id": guild_id, "parent_id": parent, "type": number, "kind": kind_of(number),
        "is_thread": False, "name": clip(name, 200), "topic": "", "payload": payload, "access": "no_view",
    }  # fmt: skip
