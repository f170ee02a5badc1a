"""Cut passages into pieces. Short blocks are joined up to the limit, and long blocks are split.

A long block is split into sentences or lines, then into words, then into slices of words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from core.search.chunking.blocks import Block, blocks
from core.search.documents import Passage, RenderedDocument
from core.search.query.text import extra_words

MAX_TOKENS = 200
"""Maximum number of tokens of a chunk, including its head and the special tokens. The local model was trained with
texts of 128 tokens and ignores tokens after the first 256."""
CHUNKER_VERSION = 3
"""Version of the code that cuts documents. Increase it when the code cuts documents differently, so that the next sync
cuts all documents again."""
SPECIAL_TOKENS = 2
"""Number of tokens that BERT adds to every text: one at the beginning and one at the end."""
HEAD_SEPARATOR = " · "
LINE_BREAK = 1
"""Maximum number of tokens of the line break between the head and the text."""
HEAD_TOKENS = 60
"""Maximum number of tokens of a head. A larger maximum would leave less space for text. The title, author and heading
are shortened until the head fits."""
UNIT_TOKENS = MAX_TOKENS - SPECIAL_TOKENS - HEAD_TOKENS - LINE_BREAK
"""Number of tokens that fit below a head of maximum length. A longer block is split."""
OVERLAP_TOKENS = 30
"""Maximum number of tokens that two pieces of a long paragraph share. A larger overlap would need more chunks."""
TITLE_LENGTH, AUTHOR_LENGTH, HEADING_LENGTH = 160, 40, 80
"""Maximum number of characters of the title, the author and the heading in a head. One longer text would use most of
the head's tokens."""
MAX_CHARACTERS = 2000
"""Maximum number of characters of a chunk. ``MAX_TOKENS`` alone is not enough, because WordPiece counts a word of more
than 100 characters as one unknown token."""
SENTENCE = re.compile(r"(?<=[.!?…।؟۔])\s+|(?<=[。！？])\s*|\n\s*")
LINE = re.compile(r"\n")
WORD = re.compile(r"\s+")
SLICES = (200, 50, 12, 3, 1)
"""Lengths in characters of the slices of a long word. A slice with too many tokens is cut into slices of the next
length."""

Counter = Callable[[Sequence[str]], list[int]]
"""Function that returns the number of tokens of each text, without special tokens."""


class Part(NamedTuple):
    """A range of characters in a block, and the number of tokens in this range."""

    start: int
    end: int
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The number of tokens that fit into one text, and the number of tokens of each space between two parts."""

    tokens: int
    blank: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A chunk before it is stored. ``text`` is shown in results, ``embedded`` is passed to the model, and ``words`` are
    added to the text search."""

    text: str
    embedded: str
    words: str
    url: str
    author: str = ""
    at: datetime | None = None
    kind: str = ""


@dataclass(kw_only=True, slots=True)
class _Section:
    """A passage that is being cut. ``room`` is the number of tokens that fit below the head."""

    document: RenderedDocument
    passage: Passage
    blocks: list[Block]
    head: str = ""
    room: int = 0


def cut(document: RenderedDocument, count: Counter) -> list[Piece]:
    """Return the pieces of a document in order.

    If the document has no text, its title is cut. If it has no title either, its external id is cut.
    """
    return cut_all([document], count)[0]


def cut_all(documents: Sequence[RenderedDocument], count: Counter) -> list[list[Piece]]:
    """Return the pieces of each document.

    ``count`` is called with the texts of all documents together, because a tokenizer is fastest with many texts.
    """
    by_document = [_sections(document) for document in documents]
    sections = [section for of_document in by_document for section in of_document]
    _set_heads(sections, count)
    all_blocks = [block for section in sections for block in section.blocks]
    blank = space_tokens(count)
    sizes = iter(count([block.text for block in all_blocks]) if all_blocks else [])
    sized = [[(block, next(sizes)) for block in section.blocks] for section in sections]
    long_blocks = [block for blocks_ in sized for block, size in blocks_ if _is_long((block, size))]
    parts = iter(split_blocks(long_blocks, UNIT_TOKENS, count))
    packers = [_Packer(Room(tokens=section.room, blank=blank)) for section in sections]
    texts = iter([list(packer.pack(blocks_, parts)) for packer, blocks_ in zip(packers, sized, strict=True)])
    return [[_piece(section, text) for section in of_document for text in next(texts)] for of_document in by_document]


def _sections(document: RenderedDocument) -> list[_Section]:
    sections = [_Section(document=document, passage=p, blocks=blocks(p.text)) for p in document.passages]
    if with_text := [section for section in sections if section.blocks]:
        return with_text
    kind = document.passages[0].kind if document.passages else ""
    title = Passage(text=document.title, author=document.author, at=document.occurred_at, url=document.url, kind=kind)
    title_blocks = blocks(document.title) or blocks(document.external_id)
    return [_Section(document=document, passage=title, blocks=title_blocks)]


def _set_heads(sections: Sequence[_Section], count: Counter) -> None:
    """Set the head of each section, and the number of tokens that fit below the head.

    Heads are shortened until they have at most ``HEAD_TOKENS`` tokens.
    """
    limits = [TITLE_LENGTH] * len(sections)
    waiting = list(range(len(sections)))
    while waiting:
        heads = [_head(sections[n], limits[n]) for n in waiting]
        unique = list(dict.fromkeys(heads))
        sizes = dict(zip(unique, count(unique), strict=True))
        for n, head in zip(waiting, heads, strict=True):
            limits[n] //= 2
            if sizes[head] <= HEAD_TOKENS or not head:
                sections[n].head = head
                sections[n].room = MAX_TOKENS - SPECIAL_TOKENS - LINE_BREAK - sizes[head]
        waiting = [n for n in waiting if not sections[n].room]


def _head(section: _Section, limit: int) -> str:
    passage, limits = section.passage, (limit, min(AUTHOR_LENGTH, limit), min(HEADING_LENGTH, limit))
    date = f"{passage.at:%Y-%m-%d}" if passage.at and limit else ""
    title, author, heading = (
        _printable(text[:length])
        for text, length in zip((section.document.title, passage.author, passage.heading), limits, strict=True)
    )
    return HEAD_SEPARATOR.join(part for part in (title, author, date, heading) if part)


def _printable(text: str) -> str:
    """Return a text in one line, with a space instead of characters that cannot be printed."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


class _Packer:
    """Joins the blocks of one passage into texts that fit into a chunk."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.text = ""
        self.used = 0

    def pack(self, sized: Sequence[tuple[Block, int]], parts: Iterator[list[Part]]) -> Iterator[str]:
        """Yield the texts. ``sized`` contains the blocks with their numbers of tokens.

        For each block that is too long, ``parts`` yields the parts of the block.
        """
        for group in _groups(sized):
            tokens = sum(size + 2 * self.room.blank for _, size in group)
            length = sum(len(block.text) + 2 for block, _ in group)
            whole = tokens <= self.room.tokens and length <= MAX_CHARACTERS and not any(map(_is_long, group))
            begins = group[0][0].kind == "heading" and self.used > self.room.tokens // 2
            if begins or not (whole and self._fits(tokens, length)):
                yield from self._flush()
            for block, size in group:
                yield from self._long(block, next(parts)) if _is_long((block, size)) else self._short(block, size)
        yield from self._flush()

    def _fits(self, tokens: int, length: int) -> bool:
        return self.used + tokens <= self.room.tokens and len(self.text) + length <= MAX_CHARACTERS

    def _short(self, block: Block, size: int) -> Iterator[str]:
        if self.text and not self._fits(size + 2 * self.room.blank, len(block.text) + 2):
            yield from self._flush()
        joint = ("\n" if block.tight else "\n\n") if self.text else ""
        self.text += joint + block.text
        self.used += size + 2 * self.room.blank

    def _long(self, block: Block, parts: list[Part]) -> Iterator[str]:
        """Yield the texts of a block that is too long. Collected text, such as a heading, precedes the first part."""
        first = parts[0]
        if not self._fits(first.tokens, first.end - first.start + 2):
            yield from self._flush()
        lead, used = (f"{self.text}\n" if self.text else ""), self.used
        self.text, self.used = "", 0
        overlap = OVERLAP_TOKENS if block.kind == "paragraph" else 0
        for n, text in enumerate(pack_parts(block.text, parts, self.room, overlap, used, len(lead))):
            yield lead + text if n == 0 else text

    def _flush(self) -> Iterator[str]:
        if self.text:
            yield self.text
        self.text, self.used = "", 0


def _is_long(sized: tuple[Block, int]) -> bool:
    return sized[1] > UNIT_TOKENS or len(sized[0].text) > MAX_CHARACTERS


def _groups(sized: Sequence[tuple[Block, int]]) -> Iterator[list[tuple[Block, int]]]:
    """Yield each block together with the headings or quotes directly before it."""
    group: list[tuple[Block, int]] = []
    for block, size in sized:
        group.append((block, size))
        if not block.leads:
            yield group
            group = []
    if group:
        yield group


def _piece(section: _Section, text: str) -> Piece:
    passage, title = section.passage, section.document.title
    return Piece(
        text=text,
        embedded=f"{section.head}\n{text}" if section.head else text,
        words=extra_words(f"{title} {text}"),
        url=passage.url,
        author=passage.author,
        at=passage.at,
        kind=passage.kind,
    )


def split_blocks(long: Sequence[Block], limit: int, count: Counter) -> list[list[Part]]:
    """Return the parts of each block in order. Each part has at most ``limit`` tokens.

    The tokens of all blocks are counted together.
    """
    spans = [(n, *span) for n, block in enumerate(long) for span in _first_level(block)]
    fitting: list[list[Part]] = [[] for _ in long]
    level = 0
    while spans:
        sizes = count([long[n].text[start:end] for n, start, end in spans])
        finer: list[tuple[int, int, int]] = []
        for (n, start, end), size in zip(spans, sizes, strict=True):
            if (size <= limit and end - start <= MAX_CHARACTERS) or end - start == 1:
                fitting[n].append(Part(start, end, min(size, limit)))
            else:
                finer += ((n, *span) for span in _finer(long[n].text, start, end, level))
        spans, level = finer, level + 1
    return [sorted(parts) for parts in fitting]


def _first_level(block: Block) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the lines of code, diffs and tables, or the ranges of the sentences of other blocks."""
    pattern = LINE if block.kind in {"code", "hunk", "table"} else SENTENCE
    return _between(block.text, 0, len(block.text), pattern)


def _finer(text: str, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
    """Split a range, and yield the smaller ranges: words at level 0, and slices at higher levels.

    A higher level has shorter slices.
    """
    if level == 0:
        yield from _between(text, start, end, WORD)
        return
    step = SLICES[min(level, len(SLICES)) - 1]
    yield from ((begin, min(begin + step, end)) for begin in range(start, end, step))


def _between(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield the ranges between matches of a pattern, except ranges that contain only white space."""
    begin = start
    for match in pattern.finditer(text, start, end):
        if match.start() > begin and not text[begin : match.start()].isspace():
            yield begin, match.start()
        begin = match.end()
    if begin < end and not text[begin:end].isspace():
        yield begin, end


def space_tokens(count: Counter) -> int:
    """Return the number of tokens of a space between two words. It is 0 for WordPiece and most other tokenizers."""
    one, two = count(["a", "a a"])
    return max(0, two - 2 * one)


def pack_parts(text: str, parts: Sequence[Part], room: Room, overlap: int, used: int, length: int) -> Iterator[str]:
    """Yield texts of consecutive parts. Each text repeats the last part of the previous text if that part is short.

    ``overlap`` is the maximum number of tokens of a repeated part. With 0, no part is repeated. ``used`` tokens and
    ``length`` characters of the first text are already used.
    """
    held: list[Part] = []
    for part in parts:
        cost = part.tokens + ((part.start - held[-1].end) * room.blank if held else 0)
        far = bool(held) and part.end - held[0].start + length > MAX_CHARACTERS
        if held and (far or used + cost > room.tokens):
            yield text[held[0].start : held[-1].end]
            last, length = held[-1], 0
            repeat = len(held) > 1 and last.tokens <= overlap and last.tokens + cost <= room.tokens
            near = part.end - last.start <= MAX_CHARACTERS
            held, used = ([last], last.tokens) if repeat and near else ([], 0)
            cost = cost if held else part.tokens
        held.append(part)
        used += cost
    if held:
        yield text[held[0].start : held[-1].end]
