"""Hybrid search: dense vectors and full text, fused by reciprocal rank."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection

from core.models import Chunk
from core.search.chunking import extra_words
from core.search.filters import Filters, like
from core.search.namespaces import serving

Mode = Literal["hybrid", "text", "dense"]
DEPTH = 100
RANK_CONSTANT = 20
LONGEST_QUERY = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A document that was found, with the passage that fits best; matches in ``snippet`` stand between [[ and ]]."""

    external_id: str
    kind: str
    title: str
    url: str
    scope: str
    author: str
    occurred_at: datetime | None
    snippet: str
    passage_url: str
    score: float


def search(words: str, *, mode: Mode = "hybrid", filters: Filters | None = None, limit: int = 10) -> list[Hit]:
    """Documents that fit best, the best first; whatever the words hold, no error comes of them."""
    cleaned = words.replace("\0", " ").encode("utf-8", "ignore").decode()[:LONGEST_QUERY].strip()
    if not cleaned:
        return []
    where, parameters = _conditions(filters or Filters())
    lists: list[Sequence[int]] = []
    if mode in {"hybrid", "text"}:
        lists.append(_by_text(cleaned, where, parameters))
    if mode in {"hybrid", "dense"}:
        lists.append(_by_vector(cleaned, filters or Filters()))
    scores: dict[int, float] = defaultdict(float)
    for found in lists:
        for rank, chunk in enumerate(found, start=1):
            scores[chunk] += 1 / (RANK_CONSTANT + rank)
    best = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))
    return _hits(best, scores, cleaned, limit)


def _conditions(filters: Filters) -> tuple[str, list[Any]]:
    known: list[tuple[str, Any]] = [
        ("d.source_system = %s", filters.source),
        ("d.kind = %s", filters.kind),
        ("s.name ILIKE %s", like(filters.scope) if filters.scope is not None else None),
        ("lower(d.author) = lower(%s)", filters.author),
        ("d.occurred_at >= %s", filters.since),
        ("d.occurred_at < %s", filters.until),
    ]
    asked = [(sql, value) for sql, value in known if value is not None]
    return "".join(f" AND {sql}" for sql, _ in asked), [value for _, value in asked]


FROM = "FROM core_chunk c JOIN core_document d ON d.id = c.document_id JOIN core_scope s ON s.id = d.scope_id"
OR_QUERIES = """
    WITH q AS (
        SELECT replace(plainto_tsquery('english', %s)::text, ' & ', ' | ')::tsquery AS english,
               replace(plainto_tsquery('simple', %s)::text, ' & ', ' | ')::tsquery AS simple
    )
"""
"""Any of the words: an AND finds nothing for most natural questions."""


def _by_text(words: str, where: str, parameters: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{OR_QUERIES} SELECT c.id {FROM}, q WHERE (c.tsv @@ q.english OR c.tsv_simple @@ q.simple) {where}"
            " ORDER BY ts_rank(c.tsv, q.english, 1) + ts_rank(c.tsv_simple, q.simple, 1) DESC, c.id LIMIT %s",
            [words, f"{words} {extra_words(words)}", *parameters, DEPTH],
        )
        return [row[0] for row in cursor.fetchall()]


def _by_vector(words: str, filters: Filters) -> list[int]:
    """By the model of the namespace that serves; nothing before the first sync."""
    if (target := serving()) is None:
        return []
    near = target.index.query(target.embedder.embed([words], "query")[0], filters, DEPTH)
    chunks = dict(
        Chunk.objects.filter(vector_id__in=[match.vector_id for match in near]).values_list("vector_id", "pk")
    )
    return [chunks[match.vector_id] for match in near if match.vector_id in chunks]


def _hits(best: list[int], scores: dict[int, float], words: str, limit: int) -> list[Hit]:
    """The best chunk of each document, with its words marked."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{OR_QUERIES} SELECT c.id, d.external_id, d.kind, d.title, d.url, s.name, d.author, d.occurred_at, c.url,"
            " ts_headline('english', left(c.text, 2000), q.english,"
            " 'StartSel=[[, StopSel=]], MaxWords=40, MinWords=15, MaxFragments=1')"
            f" {FROM}, q WHERE c.id = ANY(%s)",
            [words, words, best],
        )
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    hits: dict[str, Hit] = {}
    for chunk in best:
        if chunk in rows and len(hits) < limit:
            external_id, kind, title, url, scope, author, occurred_at, passage, snippet = rows[chunk]
            hit = Hit(
                external_id=external_id, kind=kind, title=title, url=url, scope=scope, author=author,
                occurred_at=occurred_at, snippet=" ".join(snippet.split()), passage_url=passage or url,
                score=round(scores[chunk], 5),
            )  # fmt: skip
            hits.setdefault(external_id, hit)
    return list(hits.values())
