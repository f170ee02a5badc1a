"""Extract the text of a message from all its parts: content, forwards, polls, embeds, components, files and stickers.

https://discord.com/developers/docs/resources/message#message-object
https://discord.com/developers/docs/components/reference
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from core.ingest.values import clean, one_line

MESSAGE_TYPES = {
    0: "default", 1: "recipient_add", 2: "recipient_remove", 3: "call", 4: "channel_name_change",
    5: "channel_icon_change", 6: "channel_pinned_message", 7: "user_join", 8: "guild_boost", 9: "guild_boost_tier_1",
    10: "guild_boost_tier_2", 11: "guild_boost_tier_3", 12: "channel_follow_add", 14: "guild_discovery_disqualified",
    15: "guild_discovery_requalified", 16: "guild_discovery_grace_period_initial_warning",
    17: "guild_discovery_grace_period_final_warning", 18: "thread_created", 19: "reply", 20: "chat_input_command",
    21: "thread_starter_message", 22: "guild_invite_reminder", 23: "context_menu_command", 24: "auto_moderation_action",
    25: "role_subscription_purchase", 26: "interaction_premium_upsell", 27: "stage_start", 28: "stage_end",
    29: "stage_speaker", 31: "stage_topic", 32: "guild_application_premium_subscription",
    36: "guild_incident_alert_mode_enabled", 37: "guild_incident_alert_mode_disabled",
    38: "guild_incident_report_raid", 39: "guild_incident_report_false_alarm", 44: "purchase_notification",
    46: "poll_result",
}  # fmt: skip


def message_type(number: int) -> str:
    """Return the name of a message type, or ``unknown_<n>`` for a type that is not in the table."""
    return MESSAGE_TYPES.get(number) or f"unknown_{number}"


Payload = Mapping[str, Any]
TEXT_FIELDS = {
    "poll_result": ("poll_question_text", "victor_answer_text"),
    "auto_moderation_message": ("rule_name", "keyword", "keyword_matched_content"),
    "auto_moderation_notification": ("rule_name", "keyword", "keyword_matched_content"),
}
"""Names of the fields that contain text, by type of embed. The other fields of these embeds are numbers and ids.

https://discord.com/developers/docs/resources/message#embed-fields-by-embed-type-poll-result-embed-fields
"""
COMPONENT_TEXTS = ("content", "label", "placeholder", "description", "name", "value")
INNER_COMPONENTS = ("accessory", "component", "components", "items", "options")
MAX_DEPTH = 12
"""Maximum number of nested levels of components to read. Discord allows far fewer.

The limit protects against deep recursion in a malformed payload.
"""
BLANK = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)
"""Match text without a visible character. Bots send such text where Discord requires text."""
VOICE_MESSAGE = 1 << 13
"""Flag of voice messages. See https://discord.com/developers/docs/resources/message#message-object-message-flags."""
LINES = {
    1: "added someone to the group",
    2: "removed someone from the group",
    3: "started a call",
    5: "changed the picture of the channel",
    6: "pinned a message",
    7: "joined the server",
    8: "boosted the server",
    9: "boosted the server to level 1",
    10: "boosted the server to level 2",
    11: "boosted the server to level 3",
    18: "started a thread",
    20: "answered a command",
    21: "started this thread from a message of the channel",
    23: "answered a command",
    24: "reported a message that automatic moderation stopped",
    36: "reported an incident: restrictions are on",
    37: "reported an incident: restrictions are off",
    38: "reported a raid",
    39: "reported a raid by mistake",
    46: "ended a poll",
}
"""Timeline texts for messages that have no text, by type of message."""


def message_text(content: str, payload: Payload) -> str:
    """Return the whole text of a message, with a paragraph for each part.

    The text includes the names of files and stickers, and the hosts of linked pages. It is empty if the message
    contains none of these parts.
    """
    own = "" if is_blank(content) else content.strip()
    paragraphs = "\n\n".join(filter(None, [own, *_texts(payload), "\n".join(_names(payload))]))
    hosts = [host for host in dict.fromkeys(_hosts(payload)) if host not in paragraphs]
    return "\n\n".join(filter(None, [paragraphs, " ".join(hosts)]))


def text_parts(payload: Payload) -> list[str]:
    """Return the text of all parts except the content: forwards, polls, embeds, components, files and stickers."""
    return [part for part in (*_texts(payload), "\n".join(_names(payload))) if part]


def summarize(number: int, content: str, payload: Payload) -> str:
    """Return a line of at most 200 characters for the timeline.

    The line is the text of the message, or a description of what was sent. It is never empty. ``number`` is the type of
    the message.
    """
    own = "" if is_blank(content) else one_line(content)
    return own or one_line(" ".join(_texts(payload))) or one_line(_line(number, payload))


def is_blank(content: str) -> bool:
    """Return whether a text contains nothing except white space and invisible characters."""
    return BLANK.fullmatch(content) is not None


def objects(payload: Payload, key: str) -> list[Payload]:
    """Return the objects in the list ``payload[key]``. Members of other types are left out.

    Returns an empty list if the value is missing or is not a list.
    """
    value = payload.get(key)
    members = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Payload", member) for member in members if isinstance(member, dict)]


def inner(payload: Payload, key: str) -> Payload:
    """Return the object ``payload[key]``, or an empty object if the value is missing or has another type."""
    value = payload.get(key)
    return cast("Payload", value) if isinstance(value, dict) else {}


def text(payload: Payload, key: str) -> str:
    """Return the stripped text ``payload[key]``, or an empty string if it is missing, blank or of another type."""
    value = payload.get(key)
    return value.strip() if isinstance(value, str) and not is_blank(value) else ""


def _texts(payload: Payload) -> Iterator[str]:
    """Yield the texts of forwards, polls, embeds and components, without the names of attachments and stickers."""
    for forwarded in _forwarded(payload):
        yield text(forwarded, "content")
        yield from _texts({**forwarded, "message_snapshots": None})
    yield _poll(inner(payload, "poll"))
    for embed in objects(payload, "embeds"):
        yield _lines(_embed(embed))
    yield _lines(_components(payload))


def _names(payload: Payload) -> Iterator[str]:
    """Yield the names and descriptions of attachments and the names of stickers, also of forwarded messages."""
    for forwarded in _forwarded(payload):
        yield from _names({**forwarded, "message_snapshots": None})
    for file in objects(payload, "attachments"):
        named = [text(file, key) for key in ("title", "filename", "description")]
        yield from dict.fromkeys(filter(None, named))
    yield from _stickers(payload)


def _hosts(payload: Payload) -> Iterator[str]:
    """Yield the hosts of the pages that the embeds link to."""
    for forwarded in _forwarded(payload):
        yield from _hosts({**forwarded, "message_snapshots": None})
    for embed in objects(payload, "embeds"):
        if host := _split(text(embed, "url"))[0]:
            yield host


def _forwarded(payload: Payload) -> Iterator[Payload]:
    for snapshot in objects(payload, "message_snapshots"):
        yield inner(snapshot, "message")


def _stickers(payload: Payload) -> list[str]:
    """Return the names of stickers. Messages from 2020 have them in ``stickers``."""
    stickers = [*objects(payload, "sticker_items"), *objects(payload, "stickers")]
    return list(dict.fromkeys(filter(None, (text(sticker, "name") for sticker in stickers))))


def _poll(poll: Payload) -> str:
    answers = [text(inner(answer, "poll_media"), "text") for answer in objects(poll, "answers")]
    return _lines([text(inner(poll, "question"), "text"), *answers])


def _embed(embed: Payload) -> Iterator[str]:
    fields = objects(embed, "fields")
    if names := TEXT_FIELDS.get(str(embed.get("type"))):
        yield text(embed, "description")
        yield from (text(field, "value") for field in fields if field.get("name") in names)
        return
    yield from (text(inner(embed, part), "name") for part in ("provider", "author"))
    yield text(embed, "title")
    yield text(embed, "description")
    yield from (": ".join(filter(None, [text(field, "name"), text(field, "value")])) for field in fields)
    yield text(inner(embed, "footer"), "text")
    yield from _components(embed)


def _components(payload: Payload, depth: int = 0) -> Iterator[str]:
    """Yield the text of components. A component can contain other components of any type."""
    for key in INNER_COMPONENTS if depth < MAX_DEPTH else ():
        alone = inner(payload, key)
        for component in [alone] if alone else objects(payload, key):
            named = [text(component, name) for name in COMPONENT_TEXTS]
            yield from filter(None, named)
            if not any(named):
                yield from (_split(text(inner(component, part), "url"))[1] for part in ("media", "file"))
            yield from _components(component, depth + 1)


def _split(url: str) -> tuple[str, str]:
    """Return the host and the file name in a URL. A missing part is an empty string."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").removeprefix("www."), clean(unquote(parts.path.rpartition("/")[2]))
    except ValueError:
        return "", ""


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(filter(None, texts))


def _line(number: int, payload: Payload) -> str:
    """Return a description of what was sent or done, for a message without text."""
    for forwarded in _forwarded(payload):
        return f"forwarded {_describe_parts(forwarded) or 'a message'}"
    if things := _describe_parts(payload):
        return f"sent {things}"
    command = text(inner(payload, "interaction"), "name") or text(inner(payload, "interaction_metadata"), "name")
    if command:
        return f"answered the command {command}"
    if number in LINES:
        return LINES[number]
    if number in {0, 19}:
        return "sent a message without text"
    kind = text(payload, "type_name") or message_type(number).replace("_", " ")
    return f"system message: {kind}" if number in MESSAGE_TYPES else f"message of an unknown type: {kind}"


def _describe_parts(payload: Payload) -> str:
    """Describe files, stickers, link previews and buttons in a few words."""
    files = objects(payload, "attachments")
    names = [text(file, "title") or text(file, "filename") for file in files]
    flags = payload.get("flags")
    descriptions: list[str] = []
    if files and isinstance(flags, int) and flags & VOICE_MESSAGE:
        descriptions.append("a voice message")
    elif files:
        descriptions.append(_count("file", len(files), names))
    if stickers := [*objects(payload, "sticker_items"), *objects(payload, "stickers")]:
        descriptions.append(_count("sticker", len(stickers), _stickers(payload)))
    if embeds := objects(payload, "embeds"):
        pictures = [_split(text(inner(embed, "image"), "url"))[1] for embed in embeds]
        hosts = [host for embed in embeds if (host := _split(text(embed, "url"))[0])]
        descriptions.append(_count("preview", len(embeds), [*filter(None, pictures), *hosts]))
    if not descriptions and objects(payload, "components"):
        descriptions.append("buttons or pictures without text")
    return " and ".join(descriptions)


def _count(noun: str, number: int, names: Iterable[str]) -> str:
    listed = ", ".join(filter(None, names))
    counted = f"a {noun}" if number == 1 else f"{number} {noun}s"
    return f"{counted}: {listed}" if listed else counted
