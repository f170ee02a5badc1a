"""What DiscordChatExporter wrote, in the words of Discord's API.

The exporter writes names for numbers, resolves mentions in texts, and puts sentences of its own into what Discord
leaves empty. Names become numbers by table; unknown ones are kept as -1 and their word; texts stay as they are.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from core.ingest.values import Row, clean, clean_json, clip, parse_time, parse_time_or_none
from discord_activity_tracker.convert.channels import THREADS, kind_of
from discord_activity_tracker.convert.messages import emoji_key
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.snowflakes import snowflake, snowflake_or_none
from discord_activity_tracker.payloads import Message

Payload = Mapping[str, Any]
EXPORTED = "exported_at"
"""The name in a payload that tells where it is from: Discord has none like it."""
NAMED = "name_exported_at"
"""Field of a channel's payload: the time of the export that gave the channel its name."""
PARTIAL = "partial"
"""Field of a channel's payload: only a file of another channel mentions it, with id and name."""
DELETED_EMOJI = "Unknown Emoji"
"""The exporter's name for a custom emoji that was deleted; Discord gives none. Names of emoji contain no spaces."""
UNDATED = datetime(2015, 1, 1, tzinfo=UTC)
"""Time of an export that does not say when it was made: before every other one."""
EMBED_TYPES = {24: "auto_moderation_message", 46: "poll_result"}
"""Types of the embeds that come with types of messages; the exporter does not write them."""
MESSAGE_TYPES = {
    "Default": 0, "RecipientAdd": 1, "RecipientRemove": 2, "Call": 3, "ChannelNameChange": 4, "ChannelIconChange": 5,
    "ChannelPinnedMessage": 6, "GuildMemberJoin": 7, "ThreadCreated": 18, "Reply": 19,
}  # fmt: skip
CHANNEL_TYPES = {
    "GuildTextChat": 0, "GuildVoiceChat": 2, "GuildCategory": 4, "GuildNews": 5, "GuildNewsThread": 10,
    "GuildPublicThread": 11, "GuildPrivateThread": 12, "GuildStageVoice": 13, "GuildDirectory": 14, "GuildForum": 15,
}  # fmt: skip
UNKNOWN = -1
PUT_INTO_WORDS = range(1, 19)
"""Types for which the exporter writes a sentence of its own as content."""
COMPONENTS = {"ActionRow": 1, "Button": 2}


def message_of(item: Payload, channel_id: int, exported_at: str) -> Message:
    """A message as the API would send it; KeyError, TypeError or ValueError for something else."""
    number = _number(item["type"], MESSAGE_TYPES)
    reply, forwarded = item.get("reference") or {}, item.get("forwardedMessage")
    parse_time(item["timestamp"])
    found: dict[str, Any] = {
        "id": item["id"], "channel_id": str(channel_id), "type": number, "timestamp": item["timestamp"],
        "edited_timestamp": item.get("timestampEdited"), "pinned": item.get("isPinned") is True,
        "content": item["content"], "author": _user(item["author"]),
        "mentions": [_user(user) for user in item.get("mentions") or []],
        "reactions": [
            {"emoji": _emoji(reaction["emoji"]), "count": reaction["count"]}
            for reaction in item.get("reactions") or []
        ],
        EXPORTED: exported_at,
        **_shown(item),
    }  # fmt: skip
    if number == UNKNOWN:
        found["type_name"] = str(item["type"])
    if number in EMBED_TYPES:
        found["embeds"] = [{**embed, "type": EMBED_TYPES[number]} for embed in found["embeds"]]
    if nickname := _nickname(item["author"]):
        found["author_nickname"] = nickname
    if number in PUT_INTO_WORDS:
        found |= {"content": "", "content_in_words": item["content"]}
    if reply:
        names = {"messageId": "message_id", "channelId": "channel_id", "guildId": "guild_id"}
        found["message_reference"] = {
            new: reply[old] for old, new in names.items() if snowflake_or_none(reply.get(old))
        }
        found["message_reference"]["type"] = int(reply.get("type") == "Forward" or forwarded is not None)
    if forwarded:
        found["message_snapshots"] = [{"message": {"content": forwarded.get("content") or "", **_shown(forwarded)}}]
    if _is_webhook(item["author"]):
        found["webhook_id"] = item["author"]["id"]
    if interaction := item.get("interaction"):
        found["interaction"] = {"id": interaction.get("id"), "name": interaction.get("name")}
    return cast("Message", found)


def channel_rows(guild: Payload, channel: Payload, exported_at: str) -> tuple[Row, list[Row]]:
    """Return the guild, and the channel behind its parent, as far as an export describes them."""
    guild_id, number = snowflake(guild["id"]), _number(channel["type"], CHANNEL_TYPES)
    # The exporter calls a thread's channel its category; whether it is a forum it does not say.
    parent, is_thread = snowflake_or_none(channel.get("categoryId")), number in THREADS
    above = 5 if number == 10 else 0 if is_thread else 4
    own = _channel(guild_id, snowflake(channel["id"]), number, channel["name"], exported_at, parent)
    own |= {"topic": clean(channel.get("topic")), "is_thread": is_thread}
    own["payload"] |= {PARTIAL: False}
    rows = [_channel(guild_id, parent, above, str(channel.get("category") or ""), exported_at)] if parent else []
    found = {
        "id": guild_id, "name": clip(guild["name"], 200), "description": "", "icon": "", "owner_id": None,
        "payload": {EXPORTED: exported_at}, "enabled": False,
    }  # fmt: skip
    return found, [*rows, own]


def guild_changes(old: Row, new: Row) -> Row:
    """Return the fields that an export changes of a stored guild (``name`` and ``payload``); empty for none.

    What Discord's API said is never changed.
    """
    if EXPORTED not in old["payload"] or not is_newer(new["payload"][EXPORTED], old["payload"][EXPORTED]):
        return {}
    return {"name": new["name"] or old["name"], "payload": new["payload"]}


def channel_changes(old: Row, new: Row) -> Row:
    """Return the fields that an export changes of a stored channel; empty for none.

    The name is that of the newest export that mentions the channel. Everything else comes from the newest file of the
    channel itself. What Discord's API said is never changed.
    """
    before, after = old["payload"], new["payload"]
    if EXPORTED not in before:
        return {}
    # Earlier releases did not write whether a channel was only mentioned.
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
    """Whether an export was made after another one; one without a time is the older."""
    first, second = parse_time_or_none(one), parse_time_or_none(other)
    return first is not None and (second is None or first > second)


def export_time(exported_at: str) -> datetime:
    """Return when an export was made; ``UNDATED`` where it does not say."""
    return parse_time_or_none(exported_at) or UNDATED


def reactor_rows(item: Payload, exported_at: str) -> Iterable[tuple[str, Row]]:
    """Yield who reacted to a message with which emoji (as ``emoji_key`` writes it)."""
    for reaction in item.get("reactions") or []:
        for user in reaction.get("users") or []:
            account = account_row(_user(user), exported_at=export_time(exported_at))
            yield emoji_key(_emoji(reaction["emoji"])), account


def _emoji(emoji: Payload) -> Any:
    """An emoji as the API writes it: without a name when it was deleted."""
    pk, name = emoji.get("id") or None, emoji.get("name")
    return {"id": pk, "name": None if pk and name == DELETED_EMOJI else name}


def _number(word: object, table: Mapping[str, int]) -> int:
    """The number of a name; the exporter writes the number itself for what it does not know."""
    if not isinstance(word, str | int):
        raise TypeError("the type is neither a word nor a number")
    text = str(word)
    return table[text] if text in table else int(text) if text.isdecimal() and len(text) < 10 else UNKNOWN


def _user(user: Payload) -> Any:
    """A user as the API writes it.

    The nickname of an export is the name in the server, the global name or the username: it is none of them for sure.
    """
    return {
        "id": user["id"], "username": str(user["name"]), "global_name": "", "avatar": "",
        "bot": user.get("isBot") is True, "discriminator": user.get("discriminator"),
    }  # fmt: skip


def _nickname(user: Payload) -> str:
    """The name that the server showed, where it is another than the username."""
    nickname = user.get("nickname")
    return nickname if isinstance(nickname, str) and nickname != user["name"] else ""


def _is_webhook(author: Payload) -> bool:
    """Only webhooks are bots without a number behind their name."""
    return author.get("isBot") is True and author.get("discriminator") == "0000"


def _shown(item: Payload) -> dict[str, Any]:
    """Files, embeds, stickers and buttons, of a message or of what it forwards."""
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
    kept = {name: embed[name] for name in ("title", "url", "timestamp", "description") if embed.get(name)}
    author, footer = embed.get("author") or {}, embed.get("footer") or {}
    fields = [{"name": field["name"], "value": field["value"]} for field in embed.get("fields") or []]
    parts = {"author": {"name": author.get("name")} if author else None, "fields": fields}
    parts |= {"footer": {"text": footer.get("text")} if footer else None}
    return kept | {name: part for name, part in parts.items() if part}


def _component(component: Payload) -> dict[str, Any]:
    names = ("label", "url", "content", "placeholder", "description", "name")
    kept = {name: component[name] for name in names if component.get(name)}
    inner = [_component(child) for child in component.get("components") or []]
    return {
        "type": COMPONENTS.get(str(component.get("type")), UNKNOWN),
        **kept,
        **({"components": inner} if inner else {}),
    }


def _channel(guild_id: int, pk: int, number: int, name: str, exported_at: str, parent: int | None = None) -> Row:
    payload = clean_json({EXPORTED: exported_at, NAMED: exported_at, PARTIAL: True})
    return {
        "id": pk, "guild_id": guild_id, "parent_id": parent, "type": number, "kind": kind_of(number),
        "is_thread": False, "name": clip(name, 200), "topic": "", "payload": payload, "access": "no_view",
    }  # fmt: skip
