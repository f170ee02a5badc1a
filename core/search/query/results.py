"""Results of a search: the best passage of each document, with matching words marked, and the passages around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core.models import Chunk
from core.search.chunking.cutting import HEAD_SEPARATOR
from core.search.documents import document_key
from core.search.filters import NO_FILTERS, Filters
from core.search.query.fusion import Ranked
from core.search.query.passages import BEGIN, END, excerpts
from core.search.query.text import Lexeme

ROWS = """
    SELECT c.id, d.external_id, d.source_system, d.kind, d.title, d.url, s.name, d.author,
        d.occurred_at, c.ordinal, c.url, c.prefix
    FROM core_chunk c JOIN core_document d ON d.id = c.document_id JOIN core_scope s ON s.id = d.scope_id
    WHERE c.id = ANY(%s) AND d.deleted_at IS NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A document with the passage that matches best.

    ``snippet`` encloses each match in [[ and ]]. ``fragments`` contains the same text in parts. Each part is a pair:
    the text, and whether it is a match. ``passage_origin`` names the author, date and heading of the passage, and
    ``passage_url`` is the address of the passage.
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


def load_results(
    ranking: Sequence[Ranked], words: str, query: Sequence[Lexeme], filters: Filters = NO_FILTERS
) -> list[Result]:
    """Return the results of a ranking in the same order.

    ``words`` is the clean query, and ``query`` contains its lexemes. Documents that have been deleted since the ranking
    are left out.
    """
    if not ranking:
        return []
    shown = excerpts(ranking, words, query, filters)
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [[excerpt.chunk for excerpt in shown.values()]])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    found = [(item, shown[item.document]) for item in ranking if item.document in shown]
    return [_result(rows[shows.chunk], shows.marked, item.score) for item, shows in found if shows.chunk in rows]


def _result(row: tuple[str, ...], marked: str, score: float) -> Result:
    names = ("external_id", "source", "kind", "title", "url", "scope", "author", "occurred_at", "ordinal")
    values = dict(zip((*names, "passage_url", "passage_origin"), row, strict=True))
    values["passage_origin"] = passage_origin(values["passage_origin"], values["title"])
    values["passage_url"] = values["passage_url"] or values["url"]
    fragments = tuple(_fragments(marked))
    snippet = "".join(f"[[{part}]]" if matches else part for part, matches in fragments)
    return Result(**values, snippet=snippet, fragments=fragments, score=round(score, 5))  # pyright: ignore[reportArgumentType]  # columns as they are declared


def _fragments(marked: str) -> list[tuple[str, bool]]:
    """Return the text in one line, as pairs: a part of the text, and whether it is a match."""
    fragments: list[tuple[str, bool]] = []
    is_match = False
    for part in re.split(f"([{BEGIN}{END}])", re.sub(r"\s+", " ", marked.strip())):
        if part in {BEGIN, END}:
            is_match = part == BEGIN
        elif part:
            fragments.append((part, is_match))
    return fragments


def passage_origin(prefix: str, title: str) -> str:
    """Return the author, date and heading from the prefix of a chunk. The title in the prefix may be shortened."""
    parts = prefix.strip().split(HEAD_SEPARATOR)
    return HEAD_SEPARATOR.join(parts[title.count(HEAD_SEPARATOR) + 1 :] if title.strip() else parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class NearbyPassage:
    """A chunk near the chunk of a result, or that chunk itself (``here``)."""

    ordinal: int
    origin: str
    """Author, date and heading."""
    text: str
    url: str
    here: bool


def nearby_passages(source: str, external_id: str, ordinal: int, *, reach: int = 3) -> list[NearbyPassage]:
    """Return a chunk with up to ``reach`` chunks before and after it.

    The list is empty if the document is missing or deleted.
    """
    chunks = Chunk.objects.filter(
        document__key=document_key(source, external_id),
        document__deleted_at=None,
        ordinal__gte=ordinal - reach,
        ordinal__lte=ordinal + reach,
    )
    rows = chunks.order_by("document_id", "ordinal").values_list("ordinal", "document__title", "prefix", "text", "url")
    return [
        NearbyPassage(ordinal=number, origin=passage_origin(prefix, title), text=text, url=url, here=number == ordinal)
        for number, title, prefix, text, url in rows
    ]
