"""What a message says, wherever Discord puts it: contents, forwards, polls, embeds, components, files and stickers.

https://discord.com/developers/docs/resources/message#message-object
https://discord.com/developers/docs/components/reference
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from core.ingest.values import clean, one_line
from discord_activity_tracker.convert.message_types import TYPES, message_type

Payload = Mapping[str, Any]
WORDS_OF_FIELDS = {
    "poll_result": ("poll_question_text", "victor_answer_text"),
    "auto_moderation_message": ("rule_name", "keyword", "keyword_matched_content"),
    "auto_moderation_notification": ("rule_name", "keyword", "keyword_matched_content"),
}
"""Types of embeds whose fields are data, and the names of those fields that are words; the others are numbers and ids.

https://discord.com/developers/docs/resources/message#embed-fields-by-embed-type-poll-result-embed-fields
"""
WORDS_OF_COMPONENTS = ("content", "label", "placeholder", "description", "name", "value")
INNER_COMPONENTS = ("accessory", "component", "components", "items", "options")
DEEPEST = 12
"""Levels of components that are read; Discord allows far fewer."""
BLANK = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)
"""A text without a visible character, as bots use it where Discord demands a text."""
VOICE_MESSAGE = 1 << 13
"""https://discord.com/developers/docs/resources/message#message-object-message-flags"""
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
"""Lines for messages of a type that needs no words."""


def said(content: str, payload: Payload) -> str:
    """Return all words of a message, a paragraph for each part; empty for a message without words or names."""
    own = "" if is_blank(content) else content.strip()
    words = "\n\n".join(filter(None, [own, *_spoken(payload), "\n".join(_names(payload))]))
    hosts = [host for host in dict.fromkeys(_hosts(payload)) if host not in words]
    return "\n\n".join(filter(None, [words, " ".join(hosts)]))


def parts(payload: Payload) -> list[str]:
    """Return what a message says beside its content: forwards, polls, embeds, components, files and stickers."""
    return [part for part in (*_spoken(payload), "\n".join(_names(payload))) if part]


def summary(number: int, content: str, payload: Payload) -> str:
    """Return a line of at most 200 characters for the timeline: the words of a message, else what was sent.

    ``number`` is the type of the message. The line is never empty.
    """
    own = "" if is_blank(content) else one_line(content)
    return own or one_line(" ".join(_spoken(payload))) or one_line(_line(number, payload))


def is_blank(content: str) -> bool:
    """Whether a text shows nothing: it is empty, or only white space and invisible characters."""
    return BLANK.fullmatch(content) is not None


def objects(payload: Payload, key: str) -> list[Payload]:
    """Return a list of objects in a payload, without members of another kind."""
    found = payload.get(key)
    members = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("Payload", member) for member in members if isinstance(member, dict)]


def inner(payload: Payload, key: str) -> Payload:
    """Return an object in a payload; an empty one when there is none."""
    found = payload.get(key)
    return cast("Payload", found) if isinstance(found, dict) else {}


def text(payload: Payload, key: str) -> str:
    """Return a text in a payload; empty when there is none or when it shows nothing."""
    found = payload.get(key)
    return found.strip() if isinstance(found, str) and not is_blank(found) else ""


def _spoken(payload: Payload) -> Iterator[str]:
    """Words of forwards, polls, embeds and components, without names of files and stickers."""
    for forwarded in _forwarded(payload):
        yield text(forwarded, "content")
        yield from _spoken({**forwarded, "message_snapshots": None})
    yield _poll(inner(payload, "poll"))
    for embed in objects(payload, "embeds"):
        yield _lines(_embed(embed))
    yield _lines(_components(payload))


def _names(payload: Payload) -> Iterator[str]:
    """Names and descriptions of files and stickers, also of forwarded ones."""
    for forwarded in _forwarded(payload):
        yield from _names({**forwarded, "message_snapshots": None})
    for file in objects(payload, "attachments"):
        named = [text(file, key) for key in ("title", "filename", "description")]
        yield from dict.fromkeys(filter(None, named))
    yield from _stickers(payload)


def _hosts(payload: Payload) -> Iterator[str]:
    """Hosts of the pages that embeds show."""
    for forwarded in _forwarded(payload):
        yield from _hosts({**forwarded, "message_snapshots": None})
    for embed in objects(payload, "embeds"):
        if host := _split(text(embed, "url"))[0]:
            yield host


def _forwarded(payload: Payload) -> Iterator[Payload]:
    for snapshot in objects(payload, "message_snapshots"):
        yield inner(snapshot, "message")


def _stickers(payload: Payload) -> list[str]:
    """Names of stickers; messages of 2020 have them in ``stickers``."""
    found = [*objects(payload, "sticker_items"), *objects(payload, "stickers")]
    return list(dict.fromkeys(filter(None, (text(sticker, "name") for sticker in found))))


def _poll(poll: Payload) -> str:
    answers = [text(inner(answer, "poll_media"), "text") for answer in objects(poll, "answers")]
    return _lines([text(inner(poll, "question"), "text"), *answers])


def _embed(embed: Payload) -> Iterator[str]:
    fields = objects(embed, "fields")
    if names := WORDS_OF_FIELDS.get(str(embed.get("type"))):
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
    """Words of components, which may contain others, of any type."""
    for key in INNER_COMPONENTS if depth < DEEPEST else ():
        alone = inner(payload, key)
        for component in [alone] if alone else objects(payload, key):
            named = [text(component, name) for name in WORDS_OF_COMPONENTS]
            yield from filter(None, named)
            if not any(named):
                yield from (_split(text(inner(component, part), "url"))[1] for part in ("media", "file"))
            yield from _components(component, depth + 1)


def _split(url: str) -> tuple[str, str]:
    """The host and the name of the file in an address; empty where there is none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").removeprefix("www."), clean(unquote(parts.path.rpartition("/")[2]))
    except ValueError:
        return "", ""


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(filter(None, texts))


def _line(number: int, payload: Payload) -> str:
    """What was sent or done, for a message without words."""
    for forwarded in _forwarded(payload):
        return f"forwarded {_sent(forwarded) or 'a message'}"
    if things := _sent(payload):
        return f"sent {things}"
    command = text(inner(payload, "interaction"), "name") or text(inner(payload, "interaction_metadata"), "name")
    if command:
        return f"answered the command {command}"
    if number in LINES:
        return LINES[number]
    if number in {0, 19}:
        return "sent a message without text"
    kind = text(payload, "type_name") or message_type(number).replace("_", " ")
    return f"system message: {kind}" if number in TYPES else f"message of an unknown type: {kind}"


def _sent(payload: Payload) -> str:
    """Files, stickers, pictures and buttons in a few words."""
    files = objects(payload, "attachments")
    names = [text(file, "title") or text(file, "filename") for file in files]
    flags = payload.get("flags")
    found: list[str] = []
    if files and isinstance(flags, int) and flags & VOICE_MESSAGE:
        found.append("a voice message")
    elif files:
        found.append(_counted("file", len(files), names))
    if stickers := [*objects(payload, "sticker_items"), *objects(payload, "stickers")]:
        found.append(_counted("sticker", len(stickers), _stickers(payload)))
    if embeds := objects(payload, "embeds"):
        pictures = [_split(text(inner(embed, "image"), "url"))[1] for embed in embeds]
        hosts = [host for embed in embeds if (host := _split(text(embed, "url"))[0])]
        found.append(_counted("preview", len(embeds), [*filter(None, pictures), *hosts]))
    if not found and objects(payload, "components"):
        found.append("buttons or pictures without text")
    return " and ".join(found)


def _counted(noun: str, number: int, names: Iterable[str]) -> str:
    listed = ", ".join(filter(None, names))
    counted = f"a {noun}" if number == 1 else f"{number} {noun}s"
    return f"{counted}: {listed}" if listed else counted
