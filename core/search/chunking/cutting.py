"""Passages to pieces: blocks are joined up to the limit, and taken apart beyond it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.search.chunking.blocks import Block, blocks
from core.search.chunking.splitting import MAX_CHARACTERS, Counter, Part, Room, cost_of_blank, packed, take_apart
from core.search.chunking.words import extra_words
from core.search.documents import Passage, RenderedDocument

MAX_TOKENS = 200
"""Of the embedder's tokenizer, with the head and its special tokens; the model reads 256 and was trained on 128."""
CHUNKER_VERSION = 2
"""Raise it with every change of what is cut, so that all documents are cut anew."""
SPECIAL_TOKENS = 2
HEAD_JOINT = " · "
LINE_BREAK = 1
"""Tokens between the head and the text, at most."""
HEAD_TOKENS = 60
"""Of the head at most; a longer title is shortened."""
UNIT_TOKENS = MAX_TOKENS - SPECIAL_TOKENS - HEAD_TOKENS - LINE_BREAK
"""What fits under any head; a longer block is taken apart."""
OVERLAP_TOKENS = 30
TITLE_LENGTH, AUTHOR_LENGTH, HEADING_LENGTH = 160, 40, 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A chunk before it has a place: what is shown, what is embedded, who wrote it when and where it stands."""

    text: str
    embedded: str
    words: str
    url: str
    author: str = ""
    at: datetime | None = None


@dataclass(kw_only=True, slots=True)
class _Section:
    """A passage on its way."""

    document: RenderedDocument
    passage: Passage
    blocks: list[Block]
    head: str = ""
    room: int = 0


def cut(document: RenderedDocument, count: Counter) -> list[Piece]:
    """All pieces of a document, in its order; a document without words is its title."""
    return cut_all([document], count)[0]


def cut_all(documents: Sequence[RenderedDocument], count: Counter) -> list[list[Piece]]:
    """The pieces of each document. Tokens are counted for all of them at once: a tokenizer is fastest in bulk."""
    by_document = [_sections(document) for document in documents]
    sections = [section for found in by_document for section in found]
    _give_heads(sections, count)
    all_blocks = [block for section in sections for block in section.blocks]
    blank = cost_of_blank(count)
    sizes = iter(count([block.text for block in all_blocks]) if all_blocks else [])
    sized = [[(block, next(sizes)) for block in section.blocks] for section in sections]
    parts = iter(take_apart([held[0] for of in sized for held in of if _is_long(held)], UNIT_TOKENS, count))
    packers = [_Packer(Room(tokens=section.room, blank=blank)) for section in sections]
    texts = iter([list(packer.pack(of, parts)) for packer, of in zip(packers, sized, strict=True)])
    return [[_piece(section, text) for section in found for text in next(texts)] for found in by_document]


def _sections(document: RenderedDocument) -> list[_Section]:
    found = [_Section(document=document, passage=p, blocks=blocks(p.text)) for p in document.passages]
    spoken = [section for section in found if section.blocks]
    if spoken:
        return spoken
    title = Passage(text=document.title, author=document.author, at=document.occurred_at, url=document.url)
    named = blocks(document.title) or blocks(document.external_id)
    return [_Section(document=document, passage=title, blocks=named)]


def _give_heads(sections: Sequence[_Section], count: Counter) -> None:
    """Title, author, date and heading, and the tokens that they leave; shortened until they leave enough."""
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
        _printable(text[:most])
        for text, most in zip((section.document.title, passage.author, passage.heading), limits, strict=True)
    )
    return HEAD_JOINT.join(part for part in (title, author, date, heading) if part)


def _printable(text: str) -> str:
    """In one line, without what cannot be seen."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


class _Packer:
    """Joins the blocks of one passage into texts that fit."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.held = ""
        self.used = 0

    def pack(self, sized: Sequence[tuple[Block, int]], parts: Iterator[list[Part]]) -> Iterator[str]:
        """The texts; ``parts`` are those of the blocks that are too long, in order."""
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
        return self.used + tokens <= self.room.tokens and len(self.held) + length <= MAX_CHARACTERS

    def _short(self, block: Block, size: int) -> Iterator[str]:
        if self.held and not self._fits(size + 2 * self.room.blank, len(block.text) + 2):
            yield from self._flush()
        joint = ("\n" if block.tight else "\n\n") if self.held else ""
        self.held += joint + block.text
        self.used += size + 2 * self.room.blank

    def _long(self, block: Block, parts: list[Part]) -> Iterator[str]:
        """A heading that is held goes with the first part."""
        first = parts[0]
        if not self._fits(first.tokens, first.end - first.start + 2):
            yield from self._flush()
        lead, taken = (f"{self.held}\n" if self.held else ""), self.used
        self.held, self.used = "", 0
        overlap = OVERLAP_TOKENS if block.kind == "paragraph" else 0
        for n, text in enumerate(packed(block.text, parts, self.room, overlap, taken, len(lead))):
            yield lead + text if n == 0 else text

    def _flush(self) -> Iterator[str]:
        if self.held:
            yield self.held
        self.held, self.used = "", 0


def _is_long(sized: tuple[Block, int]) -> bool:
    return sized[1] > UNIT_TOKENS or len(sized[0].text) > MAX_CHARACTERS


def _groups(sized: Sequence[tuple[Block, int]]) -> Iterator[list[tuple[Block, int]]]:
    """Blocks with those that lead to them."""
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
    )
