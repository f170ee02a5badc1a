"""What a message looks like, within Slack's limits and whatever its words are.

https://docs.slack.dev/reference/block-kit/blocks (50 blocks a message, 3,000 characters a section, 150 a header)
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.logs.redaction import redact
from core.operations.visible import BREAKS, without_hidden

HEADER, SECTION, BLOCKS, LINE, FALLBACK = 150, 3000, 50, 400, 4000
"""Characters, but for ``BLOCKS``. The fallback is what notifications show; Slack cuts messages beyond 40,000."""
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """Words only: whatever stands in them, nobody is called and nothing becomes a link but ``link``."""

    title: str
    lines: Sequence[str] = ()
    advice: str = ""
    link: str = ""


def plain(text: str, limit: int) -> str:
    """One line without secrets, control and direction characters, at most so long; cut texts end in an ellipsis."""
    line = " ".join(without_hidden(BREAKS.sub(" ", redact(text))).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def escaped(text: str) -> str:
    """With the three characters that Slack reads as markup written as entities."""
    return "".join(ESCAPES.get(character, character) for character in text)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Block Kit: a header, the lines in as many sections as they need, advice and link."""
    title = plain(message.title, HEADER)
    found: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}]
    ends = [_section(escaped(plain(message.advice, 1000)))] if message.advice else []
    if message.link:
        ends.append(_section(f"<{escaped(message.link)}|Open in the admin>"))
    room = BLOCKS - 1 - len(ends)
    sections = list(_packed(escaped(plain(line, LINE)) for line in message.lines if line.strip()))
    if len(sections) > room:
        sections = [*sections[: room - 1], "… and more than a message can hold"]
    return found + [_section(text) for text in sections] + ends


def fallback(message: Message) -> str:
    """The same in one text, for notifications and readers of the screen."""
    parts = [plain(message.title, HEADER), *(plain(line, LINE) for line in message.lines)]
    text = escaped("\n".join(part for part in parts if part))
    return text if len(text) <= FALLBACK else text[:FALLBACK].rpartition("\n")[0]


def _packed(lines: Iterable[str]) -> Iterator[str]:
    """Whole lines, together as long as a section may be. An escaped line has at most five times its length."""
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > SECTION:
            yield text
            text = ""
        text = f"{text}\n{line}" if text else line
    if text:
        yield text


def _section(text: str) -> dict[str, Any]:
    # verbatim: Slack turns neither addresses nor names of channels and people in it into links.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
