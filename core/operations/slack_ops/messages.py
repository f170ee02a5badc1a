"""Messages in Slack's Block Kit, cut to Slack's limits and with every special character escaped.

https://docs.slack.dev/reference/block-kit/blocks (50 blocks a message, 3,000 characters a section, 150 a header)
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.logs import redact
from core.operations.visible import BREAKS, without_hidden

HEADER, SECTION, BLOCKS, LINE, FALLBACK = 150, 3000, 50, 400, 4000
"""Maximum lengths in characters, except ``BLOCKS``, which is the maximum number of blocks.

``HEADER``, ``SECTION`` and ``BLOCKS`` are Slack's limits. A line of ``LINE`` characters fits into a section even when
every character is escaped. ``FALLBACK`` limits the text in notifications, which Slack would cut only after 40,000
characters.
"""
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message of plain text. It cannot mention people or channels, and only ``link`` becomes a link."""

    title: str
    lines: Sequence[str] = ()
    advice: str = ""
    link: str = ""


def plain(text: str, limit: int) -> str:
    """Return one line of at most ``limit`` characters, without secrets and hidden characters.

    A line that was cut ends with ``…``.
    """
    line = " ".join(without_hidden(BREAKS.sub(" ", redact(text))).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def escaped(text: str) -> str:
    """Return the text with entities in place of ``&``, ``<`` and ``>``, which Slack reads as markup."""
    return "".join(ESCAPES.get(character, character) for character in text)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return a message as Block Kit blocks: a header, sections with the lines, the advice and the link."""
    title = plain(message.title, HEADER)
    header: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}]
    footer = [_section(escaped(plain(message.advice, 1000)))] if message.advice else []
    if message.link:
        footer.append(_section(f"<{escaped(message.link)}|Open in the admin>"))
    available = BLOCKS - 1 - len(footer)
    sections = list(_packed(escaped(plain(line, LINE)) for line in message.lines if line.strip()))
    if len(sections) > available:
        sections = [*sections[: available - 1], "… and more lines, which do not fit into one message"]
    return header + [_section(text) for text in sections] + footer


def fallback(message: Message) -> str:
    """Return the title and the lines of a message as one text, for notifications and screen readers."""
    parts = [plain(message.title, HEADER), *(plain(line, LINE) for line in message.lines)]
    text = escaped("\n".join(part for part in parts if part))
    return text if len(text) <= FALLBACK else text[:FALLBACK].rpartition("\n")[0]


def _packed(lines: Iterable[str]) -> Iterator[str]:
    """Yield texts of whole lines that fit into a section.

    Escaping makes a line at most five times as long, so that even one line of ``LINE`` characters fits.
    """
    text = ""
    for line in lines:
        if text and len(text) + 1 + len(line) > SECTION:
            yield text
            text = ""
        text = f"{text}\n{line}" if text else line
    if text:
        yield text


def _section(text: str) -> dict[str, Any]:
    # With "verbatim", Slack does not turn addresses or names of channels and people into links.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
