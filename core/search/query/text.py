"""Full-text search for any of the words, each weighted by its rarity.

A search for all words finds nothing for most questions, and ``ts_rank`` ignores rarity. So the rare words select the
candidates with the highest total weight, and only these are ranked by how often and how densely they contain the words.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from core.search.filters import NO_FILTERS, ChunkConditions, Filters, chunk_conditions
from core.search.query.fusion import Ranked, RankingParameters
from core.search.words import Lexeme, split_by_rarity

MAX_CANDIDATES = 400
"""Chunks that are ranked."""
IN_TEXT = "SELECT id, %s::float AS worth FROM core_chunk WHERE {vector} @@ %s::tsquery"
IN_TITLE = """
    SELECT t.id, %s::float FROM core_document n JOIN core_chunk t ON t.document_id = n.id AND t.ordinal = 0
    WHERE n.title_tsv @@ %s::tsquery
"""
CANDIDATES = """
    SELECT f.id FROM ({union}) f {join} WHERE TRUE {where}
    GROUP BY f.id ORDER BY sum(f.worth) DESC, f.id LIMIT %s
"""
RANK = """
    WITH found AS MATERIALIZED (
        SELECT c.document_id, c.id, c.tsv || '' AS tsv, c.tsv_simple || '' AS tsv_simple, d.title_tsv || '' AS title
        FROM core_chunk c JOIN core_document d ON d.id = c.document_id WHERE c.id = ANY(%s)
    ), term AS MATERIALIZED (
        SELECT v, q::tsquery AS q, w, s FROM unnest(%s::text[], %s::text[], %s::float[], %s::float[]) AS t (v, q, w, s)
    )
    SELECT document_id, id, said, titled, telling FROM found, LATERAL (
        SELECT coalesce(sum(w * rank), 0) AS said,
            coalesce(sum(w) FILTER (WHERE v = 'tsv' AND title @@ q), 0) AS titled,
            coalesce(sum(CASE WHEN rank > 0 THEN s WHEN title @@ q THEN s * %s END), 0) AS telling
        FROM (
            SELECT v, q, w, s, ts_rank(CASE v WHEN 'tsv' THEN tsv ELSE tsv_simple END, q, %s) AS rank FROM term OFFSET 0
        ) r
    ) l
"""
"""Appending an empty text unpacks each vector once, instead of once for every word."""


def search_text(query: Sequence[Lexeme], filters: Filters, parameters: RankingParameters) -> list[Ranked]:
    """Return the best chunk of each document that contains words of the query, best first."""
    if not query:
        return []
    rare, common = split_by_rarity(list(query))
    chunks = _candidates(rare, filters) or _candidates(common, filters)
    stems = {lexeme.text for lexeme in query if lexeme.vector == "tsv"}
    rank_weights = [lexeme.weight * (parameters.simple if lexeme.vector == "tsv_simple" else 1) for lexeme in query]
    # Count each word once: by its stem, or by its exact form where it has no stem.
    match_weights = [
        lexeme.weight if lexeme.vector == "tsv" or not (lexeme.text.isascii() or lexeme.text in stems) else 0.0
        for lexeme in query
    ]
    with connection.cursor() as cursor:
        terms = [[x.vector for x in query], [x.query for x in query], rank_weights, match_weights]
        cursor.execute(RANK, [chunks, *terms, parameters.in_title, parameters.normalization])
        rows = cursor.fetchall()
    enough = min(parameters.enough, sum(match_weights)) or 1.0
    best: dict[int, Ranked] = {}
    for document, chunk, text_rank, title_weight, matching in rows:
        score = text_rank + parameters.title * title_weight
        if document not in best or (-score, chunk) < (-best[document].score, best[document].chunk):
            best[document] = Ranked(document=document, chunk=chunk, score=score, sure=min(1.0, matching / enough))
    return sorted(best.values(), key=lambda ranked: (-ranked.score, ranked.document))


def _candidates(query: Sequence[Lexeme], filters: Filters) -> list[int]:
    """Return the chunks with the highest total weight of words in their text or in their document's title."""
    if not query:
        return []
    conditions = ChunkConditions(parameters=[]) if filters == NO_FILTERS else chunk_conditions(filters)
    selects: list[str] = []
    parameters: list[Any] = []
    for lexeme in query:
        for select in (IN_TEXT, IN_TITLE) if lexeme.vector == "tsv" else (IN_TEXT,):
            selects.append(select.format(vector=lexeme.vector))
            parameters += [lexeme.weight, lexeme.query]
    join = f"JOIN core_chunk c ON c.id = f.id {conditions.join}" if conditions.where else ""
    sql = CANDIDATES.format(union=" UNION ALL ".join(selects), join=join, where=conditions.where)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, *conditions.parameters, MAX_CANDIDATES])
        return [row[0] for row in cursor.fetchall()]
