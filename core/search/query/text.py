"""Full text: any of the words, each worth what its rareness says.

An AND finds nothing for most questions, and ``ts_rank`` knows no rareness; so candidates are taken from the rare words
by what these are worth together, and only the best of them are ranked by how often and how densely they say them.
"""

from typing import Any

from django.db import connection

from core.search.conditions import conditions
from core.search.filters import Filters
from core.search.query.lexemes import Lexeme, lexemes, telling
from core.search.query.ranking import Ranked, Tuning

CANDIDATES = 400
IN_TEXT = "SELECT id, %s::float AS worth FROM core_chunk WHERE {vector} @@ %s::tsquery"
IN_TITLE = """
    SELECT t.id, %s::float FROM core_document n JOIN core_chunk t ON t.document_id = n.id AND t.ordinal = 0
    WHERE n.title_tsv @@ %s::tsquery
"""
BEST = """
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
"""What is joined to nothing is unpacked once, not for every word."""


def by_text(words: str, filters: Filters, tuning: Tuning) -> list[Ranked]:
    """The best chunk of each document, the best first; ``words`` are cleaned."""
    found = lexemes(words)
    if not found:
        return []
    rare, common = telling(found)
    chunks = _candidates(rare, filters) or _candidates(common, filters)
    stems = {x.text for x in found if x.vector == "tsv"}
    weights = [x.worth * (tuning.simple if x.vector == "tsv_simple" else 1) for x in found]
    # Each word once: by its stem, or where there are no stems as it stands.
    telling_most = [x.worth if x.vector == "tsv" or not (x.text.isascii() or x.text in stems) else 0.0 for x in found]
    with connection.cursor() as cursor:
        terms = [[x.vector for x in found], [x.query for x in found], weights, telling_most]
        cursor.execute(RANK, [chunks, *terms, tuning.in_title, tuning.normalization])
        rows = cursor.fetchall()
    enough = min(tuning.enough, sum(telling_most)) or 1.0
    best: dict[int, Ranked] = {}
    for document, chunk, said, titled, told in rows:
        score = said + tuning.title * titled
        if document not in best or (-score, chunk) < (-best[document].score, best[document].chunk):
            best[document] = Ranked(document=document, chunk=chunk, score=score, sure=min(1.0, told / enough))
    return sorted(best.values(), key=lambda ranked: (-ranked.score, ranked.document))


def _candidates(found: list[Lexeme], filters: Filters) -> list[int]:
    """The chunks with the most worth of words in them or in their documents' titles."""
    if not found:
        return []
    asked = conditions(filters)
    parts: list[str] = []
    parameters: list[Any] = []
    for lexeme in found:
        for part in (IN_TEXT, IN_TITLE) if lexeme.vector == "tsv" else (IN_TEXT,):
            parts.append(part.format(vector=lexeme.vector))
            parameters += [lexeme.worth, lexeme.query]
    join = f"JOIN core_chunk c ON c.id = f.id {asked.join}" if asked.where else ""
    sql = BEST.format(union=" UNION ALL ".join(parts), join=join, where=asked.where)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, *asked.parameters, CANDIDATES])
        return [row[0] for row in cursor.fetchall()]
