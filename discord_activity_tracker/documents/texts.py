"""Everything that a message says: words, what it forwards, polls, embeds, files and stickers."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

Payload = Mapping[str, Any]
TEXT_DISPLAY = 10
"""The component that holds text. https://discord.com/developers/docs/components/reference#text-display"""
POLL_RESULT = ("poll_question_text", "victor_answer_text")
"""The fields of a poll's end that are words; others are numbers.

https://discord.com/developers/docs/resources/message#embed-fields-by-embed-type-poll-result-embed-fields
"""
DEEPEST = 8


def said(content: str, payload: Payload) -> str:
    """All of it, a paragraph each; empty for a message that only shows something."""
    return "\n\n".join(part for part in (content.strip(), *parts(payload)) if part)


def parts(payload: Payload) -> list[str]:
    """Return what a message says beside its content: forwards, polls, previews, files, stickers; nothing is empty."""
    return [part for part in _parts(payload) if part]


def quoted(text: str, limit: int = 60) -> str:
    """The beginning of a text as one line."""
    line = " ".join(text[: 5 * limit].split())
    return line if len(line) <= limit else f"{line[:limit].rstrip()}…"


def objects(payload: Payload, key: str) -> list[Payload]:
    """A list of objects in a payload; whatever else stands there is left out."""
    found = payload.get(key)
    members = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("Payload", member) for member in members if isinstance(member, dict)]


def inner(payload: Payload, key: str) -> Payload:
    """An object in a payload; an empty one when there is none."""
    found = payload.get(key)
    return cast("Payload", found) if isinstance(found, dict) else {}


def text(payload: Payload, key: str) -> str:
    """A text in a payload; empty when there is none."""
    found = payload.get(key)
    return found.strip() if isinstance(found, str) else ""


def _parts(payload: Payload) -> Iterator[str]:
    for snapshot in objects(payload, "message_snapshots"):
        forwarded = inner(snapshot, "message")
        yield said(text(forwarded, "content"), {**forwarded, "message_snapshots": None})
    yield _poll(inner(payload, "poll"))
    yield from (_embed(embed) for embed in objects(payload, "embeds"))
    yield "\n".join(_displayed(payload))
    names = [text(file, "title") or text(file, "filename") for file in objects(payload, "attachments")]
    names += [text(file, "description") for file in objects(payload, "attachments")]
    names += [text(sticker, "name") for sticker in objects(payload, "sticker_items")]
    yield "\n".join(filter(None, names))


def _poll(poll: Payload) -> str:
    answers = [text(inner(answer, "poll_media"), "text") for answer in objects(poll, "answers")]
    return "\n".join(filter(None, [text(inner(poll, "question"), "text"), *answers]))


def _embed(embed: Payload) -> str:
    fields = objects(embed, "fields")
    if embed.get("type") == "poll_result":
        return "\n".join(text(field, "value") for field in fields if field.get("name") in POLL_RESULT)
    lines = [text(inner(embed, "author"), "name"), text(embed, "title"), text(embed, "description")]
    lines += [f"{text(field, 'name')}: {text(field, 'value')}" for field in fields]
    return "\n".join(filter(None, [*lines, text(inner(embed, "footer"), "text")]))


def _displayed(payload: Payload, depth: int = 0) -> Iterator[str]:
    """Texts in components, which may stand in each other."""
    for component in objects(payload, "components") if depth < DEEPEST else ():
        if component.get("type") == TEXT_DISPLAY:
            yield text(component, "content")
        yield from _displayed(component, depth + 1)
