"""What is shown of the best documents: the passage that fits, with the words of the query marked in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core.operations.markdown import without_markup
from core.search.query.lexemes import lexemes
from core.search.query.ranking import Ranked
from core.search.query.threads import origin

BEGIN, END = "\x02", "\x03"
"""Marks that no text to be shown needs; they are taken out of it first."""
SHOWN = 300
"""Characters of a passage in which no word is marked."""
GAP = " … "
"""What PostgreSQL puts between two parts of a passage."""
HASH = re.compile(r"(?<![\w\x02])(?:[0-9a-f]{64}|[0-9a-f]{40})(?!\w)")
SHORT_HASH = 7
ROWS = """
    SELECT c.id, c.document_id, d.external_id, d.source_system, d.kind, d.title, d.url, s.name, d.author,
        d.occurred_at, c.ordinal, c.url, c.prefix, ts_headline('english',
            translate(left(c.text, 2000), E'\\x02\\x03', ''), %s::tsquery,
            'StartSel=\x02, StopSel=\x03, MaxWords=40, MinWords=20, MaxFragments=2, FragmentDelimiter=" … "'),
        translate(left(c.text, 2000), E'\\x02\\x03', '')
    FROM core_chunk c JOIN core_document d ON d.id = c.document_id JOIN core_scope s ON s.id = d.scope_id
    WHERE c.id = ANY(%s) AND d.deleted_at IS NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A document that was found, with the passage that fits best.

    In ``snippet`` matches stand between [[ and ]]; ``fragments`` are the same as pairs of text and whether it matches.
    ``passage_origin`` says who wrote the passage and when, ``passage_url`` where it stands.
    """

    external_id: str
    source: str
    kind: str
    title: str
    url: str
    scope: str
    author: str
    occurred_at: datetime | None
    ordinal: int
    passage_url: str
    passage_origin: str
    snippet: str
    fragments: tuple[tuple[str, bool], ...]
    score: float


def results(best: Sequence[Ranked], words: str) -> list[Result]:
    """In the order given; a document that was deleted meanwhile is left out. ``words`` are cleaned."""
    if not best:
        return []
    asked = " | ".join(lexeme.query for lexeme in lexemes(words)) if words else ""
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [asked, [ranked.chunk for ranked in best]])
        rows = {row[0]: row[2:] for row in cursor.fetchall()}
    return [_result(rows[ranked.chunk], words, ranked.score) for ranked in best if ranked.chunk in rows]


def _result(row: tuple[str, ...], words: str, score: float) -> Result:
    *columns, headline, text = row
    names = ("external_id", "source", "kind", "title", "url", "scope", "author", "occurred_at", "ordinal")
    known = dict(zip((*names, "passage_url", "passage_origin"), columns, strict=True))
    known["passage_origin"] = origin(known["passage_origin"], known["title"])
    known["passage_url"] = known["passage_url"] or known["url"]
    marked = headline if BEGIN in headline else _marked(text, words)
    fragments = tuple(_fragments(_readable(marked)))
    snippet = "".join(f"[[{part}]]" if matches else part for part, matches in fragments)
    return Result(**known, snippet=snippet, fragments=fragments, score=round(score, 5))  # pyright: ignore[reportArgumentType]  # columns as they are declared


def _marked(text: str, words: str) -> str:
    """Words as they stand, where PostgreSQL's parser sees none: scripts without blanks, parts of identifiers."""
    asked = sorted({word for word in words.split() if len(word) > 1 or not word.isascii()}, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(word) for word in asked), re.IGNORECASE) if asked else None
    first = pattern.search(text) if pattern else None
    if not pattern or not first:
        return text[:SHOWN]
    start = max(0, first.start() - SHOWN // 3)
    return pattern.sub(lambda match: f"{BEGIN}{match[0]}{END}", text[start : start + SHOWN])


def _readable(marked: str) -> str:
    """Take out markup, and shorten hashes that no word of the query is in."""
    parts = (without_markup(part) for part in marked.split(GAP))
    return HASH.sub(lambda match: match[0][:SHORT_HASH], GAP.join(part for part in parts if part.strip()))


def _fragments(marked: str) -> list[tuple[str, bool]]:
    """Pairs of text and whether it matches, in one line."""
    found: list[tuple[str, bool]] = []
    is_match = False
    for part in re.split(f"([{BEGIN}{END}])", re.sub(r"\s+", " ", marked.strip())):
        if part in {BEGIN, END}:
            is_match = part == BEGIN
        elif part:
            found.append((part, is_match))
    return found
