"""Documents are cut into chunks: each a piece of one passage, headed by where it is from."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.search.documents import Passage, RenderedDocument

MAX_TOKENS = 200
"""Of the embedder's tokenizer; the model reads 256 and was trained on 128."""
CHUNKER_VERSION = 1
"""Raise it with every change of what is cut, so that all documents are cut anew."""
FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)
SENTENCE = re.compile(r"(?<=[.!?。！？।])\s+|\n")
IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[_./:-][A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+")
HEAD_LENGTH = 160

Counter = Callable[[Sequence[str]], list[int]]
"""Numbers of tokens of texts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A chunk before it has a place: what is shown, what is embedded, where it stands."""

    text: str
    embedded: str
    words: str
    url: str


def cut(document: RenderedDocument, count: Counter) -> list[Piece]:
    """All pieces of a document, in its order; a document without words is its title."""
    pieces = [piece for passage in document.passages for piece in _pieces(document, passage, count)]
    if not pieces:
        pieces = list(_pieces(document, Passage(text=document.title, url=document.url), count))
    return pieces


def _pieces(document: RenderedDocument, passage: Passage, count: Counter) -> Iterator[Piece]:
    date = f"{passage.at:%Y-%m-%d}" if passage.at else ""
    parts = (document.title[:HEAD_LENGTH], passage.author[:40], date, passage.heading[:80])
    head = " · ".join(part for part in parts if part)
    room = max(40, MAX_TOKENS - count([head])[0])
    for text in _pack(_blocks(passage.text), room, count):
        yield Piece(
            text=text, embedded=f"{head}\n{text}", words=extra_words(f"{document.title} {text}"), url=passage.url
        )


def _blocks(text: str) -> list[str]:
    """Paragraphs, and code fences whole."""
    found: list[str] = []
    for part in FENCE.split(text.replace("\r\n", "\n")):
        found += [part] if part.startswith("```") else re.split(r"\n\s*\n", part)
    return [block.strip() for block in found if block.strip()]


def _pack(blocks: Sequence[str], room: int, count: Counter) -> Iterator[str]:
    """Join neighbours up to the limit; cut what is longer at sentences, then words, then anywhere."""
    held: list[str] = []
    used = 0
    for block, size in zip(blocks, count(blocks) if blocks else [], strict=True):
        if held and used + size > room:
            yield "\n\n".join(held)
            held, used = [], 0
        if size > room:
            yield from _split(block, room, count)
        else:
            held.append(block)
            used += size
    if held:
        yield "\n\n".join(held)


def _split(block: str, room: int, count: Counter) -> Iterator[str]:
    for pattern, joint in ((SENTENCE, " "), (re.compile(r"\s+"), " ")):
        parts = [part for part in pattern.split(block) if part]
        sizes = count(parts)
        if len(parts) > 1 and (max(sizes) <= room or pattern is not SENTENCE):
            held: list[str] = []
            used = 0
            for part, size in zip(parts, sizes, strict=True):
                if held and used + size > room:
                    yield joint.join(held)
                    held, used = [], 0
                if size > room:
                    yield from _slices(part, room)
                else:
                    held.append(part)
                    used += size
            if held:
                yield joint.join(held)
            return
    yield from _slices(block, room)


def _slices(word: str, room: int) -> Iterator[str]:
    """A word without end, by characters: no tokenizer makes more than one token of a character's four bytes."""
    yield from (word[start : start + room] for start in range(0, len(word), room))


def extra_words(text: str) -> str:
    """What PostgreSQL's parser does not take apart: identifiers, paths, and runs of CJK as pairs of characters."""
    found: dict[str, None] = {}
    for name in IDENTIFIER.findall(text):
        found |= dict.fromkeys(part.lower() for part in PARTS.findall(name) if len(part) > 1)
    for run in CJK.findall(text):
        found |= dict.fromkeys(run[i : i + 2] for i in range(max(1, len(run) - 1)))
    return " ".join(found)
