"""What DiscordChatExporter wrote, in the words of Discord's API.

The exporter writes names for numbers, resolves mentions in texts, and puts sentences of its own into what Discord
leaves empty. Names become numbers by table; unknown ones are kept as -1 and their word; texts stay as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from discord_activity_tracker.convert.channels import THREADS, kind_of
from discord_activity_tracker.convert.people import account_row
from discord_activity_tracker.convert.texts import Row, clean, clip, moment, snowflake, snowflake_or_none, storable
from discord_activity_tracker.payloads import Message

Payload = Mapping[str, Any]
EXPORTED = "exported_at"
"""The name in a payload that tells where it is from: Discord has none like it."""
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
    moment(item["timestamp"])
    found: dict[str, Any] = {
        "id": item["id"], "channel_id": str(channel_id), "type": number, "timestamp": item["timestamp"],
        "edited_timestamp": item.get("timestampEdited"), "pinned": item.get("isPinned") is True,
        "content": item["content"], "author": _user(item["author"]),
        "mentions": [_user(user) for user in item.get("mentions") or []],
        "reactions": [
            {"emoji": {"id": reaction["emoji"].get("id") or None, "name": reaction["emoji"].get("name")},
             "count": reaction["count"]}
            for reaction in item.get("reactions") or []
        ],
        EXPORTED: exported_at,
        **_shown(item),
    }  # fmt: skip
    if number == UNKNOWN:
        found["type_name"] = str(item["type"])
    if number in PUT_INTO_WORDS:
        found |= {"content": "", "content_in_words": item["content"]}
    if reply:
        names = {"messageId": "message_id", "channelId": "channel_id", "guildId": "guild_id"}
        found["message_reference"] = {new: reply[old] for old, new in names.items() if reply.get(old)}
        found["message_reference"]["type"] = int(reply.get("type") == "Forward" or forwarded is not None)
    if forwarded:
        found["message_snapshots"] = [{"message": {"content": forwarded.get("content") or "", **_shown(forwarded)}}]
    if _is_webhook(item["author"]):
        found["webhook_id"] = item["author"]["id"]
    if interaction := item.get("interaction"):
        found["interaction"] = {"id": interaction.get("id"), "name": interaction.get("name")}
    return cast("Message", found)


def channel_rows(guild: Payload, channel: Payload, exported_at: str) -> tuple[Row, list[Row]]:
    """The guild, and the channel with what it stands in, as far as an export tells of them. Parents come first."""
    guild_id, number = snowflake(guild["id"]), _number(channel["type"], CHANNEL_TYPES)
    # The exporter calls a thread's channel its category; whether it is a forum it does not say.
    parent, is_thread = snowflake_or_none(channel.get("categoryId")), number in THREADS
    above = 5 if number == 10 else 0 if is_thread else 4
    own = _channel(guild_id, snowflake(channel["id"]), number, channel["name"], exported_at, parent)
    own |= {"topic": clean(channel.get("topic")), "is_thread": is_thread}
    rows = [_channel(guild_id, parent, above, str(channel.get("category") or ""), exported_at)] if parent else []
    found = {
        "id": guild_id, "name": clip(guild["name"], 200), "description": "", "icon": "", "owner_id": None,
        "payload": {EXPORTED: exported_at}, "enabled": False,
    }  # fmt: skip
    return found, [*rows, own]


def reactor_rows(item: Payload) -> Iterable[tuple[str, Row]]:
    """Who reacted to a message with which emoji (as ``emoji_key`` writes it)."""
    for reaction in item.get("reactions") or []:
        emoji = reaction["emoji"]
        name = clean(emoji.get("name"))
        for user in reaction.get("users") or []:
            yield (f"{name}:{emoji['id']}" if emoji.get("id") else name), account_row(_user(user))


def _number(word: object, table: Mapping[str, int]) -> int:
    """The number of a name; the exporter writes the number itself for what it does not know."""
    if not isinstance(word, str | int):
        raise TypeError("the type is neither a word nor a number")
    text = str(word)
    return table[text] if text in table else int(text) if text.isdecimal() and len(text) < 10 else UNKNOWN


def _user(user: Payload) -> Any:
    name, nickname = str(user["name"]), user.get("nickname") or ""
    return {
        "id": user["id"], "username": name, "global_name": nickname if nickname != name else "",
        "bot": user.get("isBot") is True, "discriminator": user.get("discriminator"),
    }  # fmt: skip


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
    kept = {name: component[name] for name in ("label", "url") if component.get(name)}
    inner = [_component(child) for child in component.get("components") or []]
    return {
        "type": COMPONENTS.get(str(component.get("type")), UNKNOWN),
        **kept,
        **({"components": inner} if inner else {}),
    }


def _channel(guild_id: int, pk: int, number: int, name: str, exported_at: str, parent: int | None = None) -> Row:
    return {
        "id": pk, "guild_id": guild_id, "parent_id": parent, "type": number, "kind": kind_of(number),
        "is_thread": False, "name": clip(name, 200), "topic": "", "payload": storable({EXPORTED: exported_at}),
        "access": "no_view",
    }  # fmt: skip
