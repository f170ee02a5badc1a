"""Full text: any of the words, each worth what its rareness says.

An AND finds nothing for most questions, and ``ts_rank`` knows no rareness; so candidates are taken from the rare words
by what these are worth together, and only the best of them are ranked by how often and how densely they say them.
"""

from typing import Any

from django.db import connection

from core.search.conditions import conditions
from core.search.filters import Filters
from core.search.query.lexemes import Lexeme, lexemes, telling
from core.search.query.tuning import Ranked, Tuning

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
    SELECT c.document_id, c.id,
        (SELECT coalesce(sum(w * ts_rank(CASE v WHEN 'tsv' THEN c.tsv ELSE c.tsv_simple END, q::tsquery, %s)), 0)
         FROM unnest(%s::text[], %s::text[], %s::float[]) AS t (v, q, w)),
        (SELECT coalesce(sum(w), 0) FROM unnest(%s::text[], %s::text[], %s::float[]) AS t (v, q, w)
         WHERE v = 'tsv' AND d.title_tsv @@ q::tsquery)
    FROM core_chunk c JOIN core_document d ON d.id = c.document_id
    WHERE c.id = ANY(%s)
"""


def by_text(words: str, filters: Filters, tuning: Tuning) -> list[Ranked]:
    """The best chunk of each document, the best first; ``words`` are cleaned."""
    found = lexemes(words)
    if not found:
        return []
    rare, common = telling(found)
    chunks = _candidates(rare, filters) or _candidates(common, filters)
    with connection.cursor() as cursor:
        weights = [x.worth * (tuning.simple if x.vector == "tsv_simple" else 1) for x in found]
        terms = [[x.vector for x in found], [x.query for x in found], weights]
        cursor.execute(RANK, [tuning.normalization, *terms, *terms, chunks])
        rows = cursor.fetchall()
    best: dict[int, Ranked] = {}
    for document, chunk, said, titled in rows:
        score = said + tuning.title * titled
        if document not in best or (-score, chunk) < (-best[document].score, best[document].chunk):
            best[document] = Ranked(document=document, chunk=chunk, score=score)
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
