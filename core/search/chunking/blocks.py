"""Split a text into blocks: headings, paragraphs, list items, quotes, tables, code fences, diff hunks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.db.text import replace_unstorable

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
ITEM = re.compile(r"\s*([-*+]|\d{1,9}[.)])\s")
QUOTE = re.compile(r" {0,3}>")
HUNK = re.compile(r"(@@ -\d|diff --git )")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Consecutive lines of a text that belong together, such as a paragraph.

    A ``tight`` block follows the previous block without an empty line, as list items do. A block with ``leads`` is a
    heading, or a quote before a reply, and stays with the next block.
    """

    text: str
    kind: str
    tight: bool = False
    leads: bool = False


def blocks(text: str) -> list[Block]:
    """Return the blocks of a text in order. Characters that PostgreSQL cannot store become U+FFFD."""
    clean = replace_unstorable(text.replace("\r\n", "\n").replace("\r", "\n"))
    return [block for block in _Reader(clean.split("\n")).read() if block.text]


class _Reader:
    """Groups lines into blocks, in one pass."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.collected: list[str] = []
        self.kind = "paragraph"
        self.blank = True
        """Whether an empty line precedes the collected lines."""
        self.fence = ""
        """The fence that ends the current code block, or an empty string outside of code blocks."""

    def read(self) -> Iterator[Block]:
        """Yield the blocks. Blocks without text are included."""
        for line in self.lines:
            yield from self._fenced(line) if self.fence else self._plain(line)
        yield self._close()

    def _close(self, kind: str = "paragraph", *, blank: bool = False) -> Block:
        """Return the collected lines as a block, and begin a block of ``kind``. Code and diffs stay indented."""
        text = "\n".join(self.collected)
        text = text.strip("\n").rstrip() if self.kind in {"code", "hunk"} else text.strip()
        text = text if text.strip() else ""
        block = Block(text=text, kind=self.kind, tight=not self.blank, leads=self.kind in {"heading", "quote"})
        self.blank = blank or (self.blank and not text)
        self.collected, self.kind = [], kind
        return block

    def _fenced(self, line: str) -> Iterator[Block]:
        if HUNK.match(line) and any(collected.strip() for collected in self.collected[1:]):
            yield self._close("code")
        self.collected.append(line)
        end = line.strip()
        if end.startswith(self.fence) and not end.strip(self.fence[0]):
            self.fence = ""
            yield self._close()

    def _plain(self, line: str) -> Iterator[Block]:
        if fence := FENCE.match(line):
            yield self._close("code")
            self.fence = fence[1]
            self.collected.append(line)
        elif self.kind == "hunk" and line[:1] in {"+", "-", " ", "\\"}:
            self.collected.append(line)
        elif not line.strip():
            yield self._close(blank=True)
        elif self.kind == "paragraph" and len(self.collected) == 1 and UNDERLINE.match(line):
            self.collected.append(line)
            self.kind = "heading"
            yield self._close()
        else:
            yield from self._begin(line, _kind_of(line))
            self.collected.append(line)
            if self.kind == "heading":
                yield self._close()

    def _begin(self, line: str, kind: str) -> Iterator[Block]:
        """Yield the collected block if the line begins another block. ``kind`` is the kind of the line."""
        continues = kind == "paragraph" and (self.kind in {"paragraph", "item"} or not self.collected)
        same = kind == self.kind and kind in {"quote", "table"}
        header = kind == "hunk" and self.kind == "hunk" and all(collected[:2] != "@@" for collected in self.collected)
        if self.collected and not (continues or same or header):
            yield self._close(kind)
        elif not self.collected:
            self.kind = kind


def _kind_of(line: str) -> str:
    """Return the kind of the block that begins with this line."""
    if HUNK.match(line):
        return "hunk"
    if HEADING.match(line):
        return "heading"
    if QUOTE.match(line):
        return "quote"
    if line.lstrip()[:1] == "|":
        return "table"
    return "item" if ITEM.match(line) else "paragraph"
