"""The structure of a text: headings, paragraphs, list items, quotes, tables, code fences, diff hunks."""

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
    """A part of a text that belongs together, verbatim.

    ``tight`` blocks follow the one before without an empty line, as list items do; ``leads`` to the next block: a
    heading, a quote before its reply.
    """

    text: str
    kind: str
    tight: bool = False
    leads: bool = False


def blocks(text: str) -> list[Block]:
    """All blocks in their order, in one pass over the lines. What cannot be stored or embedded becomes U+FFFD."""
    clean = replace_unstorable(text.replace("\r\n", "\n").replace("\r", "\n"))
    return [block for block in _Reader(clean.split("\n")).read() if block.text]


class _Reader:
    """Collects lines until they are a block."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.held: list[str] = []
        self.kind = "paragraph"
        self.blank = True
        """Whether an empty line stood before what is held."""
        self.fence = ""
        """The mark that ends the code block which the line is in."""

    def read(self) -> Iterator[Block]:
        """Blocks, some of them empty."""
        for line in self.lines:
            yield from self._fenced(line) if self.fence else self._plain(line)
        yield self._close()

    def _close(self, kind: str = "paragraph", *, blank: bool = False) -> Block:
        """What is held becomes a block, and one of ``kind`` begins; a text of the embedder needs no outer blanks."""
        text = "\n".join(self.held)
        text = text.strip("\n").rstrip() if self.kind in {"code", "hunk"} else text.strip()
        text = text if text.strip() else ""
        done = Block(text=text, kind=self.kind, tight=not self.blank, leads=self.kind in {"heading", "quote"})
        self.blank = blank or (self.blank and not text)
        self.held, self.kind = [], kind
        return done

    def _fenced(self, line: str) -> Iterator[Block]:
        if HUNK.match(line) and any(held.strip() for held in self.held[1:]):
            yield self._close("code")
        self.held.append(line)
        end = line.strip()
        if end.startswith(self.fence) and not end.strip(self.fence[0]):
            self.fence = ""
            yield self._close()

    def _plain(self, line: str) -> Iterator[Block]:
        if mark := FENCE.match(line):
            yield self._close("code")
            self.fence = mark[1]
            self.held.append(line)
        elif self.kind == "hunk" and line[:1] in {"+", "-", " ", "\\"}:
            self.held.append(line)
        elif not line.strip():
            yield self._close(blank=True)
        elif self.kind == "paragraph" and len(self.held) == 1 and UNDERLINE.match(line):
            self.held.append(line)
            self.kind = "heading"
            yield self._close()
        else:
            yield from self._begun(line, _kind_of(line))
            self.held.append(line)
            if self.kind == "heading":
                yield self._close()

    def _begun(self, line: str, kind: str) -> Iterator[Block]:
        """Close what is held where the line begins another block; other lines go on with what is there."""
        goes_on = kind == "paragraph" and (self.kind in {"paragraph", "item"} or not self.held)
        same = kind == self.kind and kind in {"quote", "table"}
        header = kind == "hunk" and self.kind == "hunk" and all(held[:2] != "@@" for held in self.held)
        if self.held and not (goes_on or same or header):
            yield self._close(kind)
        elif not self.held:
            self.kind = kind


def _kind_of(line: str) -> str:
    """What a line begins, by its first characters."""
    if HUNK.match(line):
        return "hunk"
    if HEADING.match(line):
        return "heading"
    if QUOTE.match(line):
        return "quote"
    if line.lstrip()[:1] == "|":
        return "table"
    return "item" if ITEM.match(line) else "paragraph"
