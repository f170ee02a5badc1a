"""Blocks that are longer than a chunk are taken apart: sentences or lines, words, slices of words."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.search.chunking.blocks import Block

Counter = Callable[[Sequence[str]], list[int]]
"""Numbers of tokens of texts, special ones not counted."""

MAX_CHARACTERS = 2000
"""Of a chunk, whatever its tokens: WordPiece takes a word of more than 100 characters for a single unknown one."""
SENTENCE = re.compile(r"(?<=[.!?…।؟۔])\s+|(?<=[。！？])\s*|\n\s*")
LINE = re.compile(r"\n")
WORD = re.compile(r"\s+")
SLICES = (200, 50, 12, 3, 1)
"""Characters of a word; one character is the end, whatever it counts."""


class Part(NamedTuple):
    """A stretch of a block's text with its tokens."""

    start: int
    end: int
    tokens: int


def take_apart(long: Sequence[Block], limit: int, count: Counter) -> list[list[Part]]:
    """Parts of every block in order, none of more than ``limit`` tokens. All blocks are counted together."""
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
    """Lines of what is written in lines, sentences of everything else."""
    pattern = LINE if block.kind in {"code", "hunk", "table"} else SENTENCE
    return _between(block.text, 0, len(block.text), pattern)


def _finer(text: str, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
    """Words, then shorter and shorter slices."""
    if level == 0:
        yield from _between(text, start, end, WORD)
        return
    step = SLICES[min(level, len(SLICES)) - 1]
    yield from ((place, min(place + step, end)) for place in range(start, end, step))


def _between(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """What stands between the matches, blanks alone left out."""
    begin = start
    for match in pattern.finditer(text, start, end):
        if match.start() > begin and not text[begin : match.start()].isspace():
            yield begin, match.start()
        begin = match.end()
    if begin < end and not text[begin:end].isspace():
        yield begin, end


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What fits into one text: ``tokens``, of which every blank between parts takes ``blank``."""

    tokens: int
    blank: int


def cost_of_blank(count: Counter) -> int:
    """Tokens that a blank between two words takes: none for WordPiece and most others."""
    one, two = count(["a", "a a"])
    return max(0, two - 2 * one)


def packed(text: str, parts: Sequence[Part], room: Room, overlap: int, taken: int, length: int) -> Iterator[str]:
    """Neighbouring parts together, as much as fits; each text begins with the end of the one before if that is short.

    ``overlap`` is in tokens, 0 for none; of the first text, ``taken`` tokens and ``length`` characters are in use.
    """
    held: list[Part] = []
    used = taken
    for part in parts:
        cost = part.tokens + ((part.start - held[-1].end) * room.blank if held else 0)
        far = bool(held) and part.end - held[0].start + length > MAX_CHARACTERS
        if held and (far or used + cost > room.tokens):
            yield text[held[0].start : held[-1].end]
            last, length = held[-1], 0
            again = len(held) > 1 and last.tokens <= overlap and last.tokens + cost <= room.tokens
            near = part.end - last.start <= MAX_CHARACTERS
            held, used = ([last], last.tokens) if again and near else ([], 0)
            cost = cost if held else part.tokens
        held.append(part)
        used += cost
    if held:
        yield text[held[0].start : held[-1].end]
