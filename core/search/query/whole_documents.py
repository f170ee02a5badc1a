"""Full-text search that ranks whole documents, with a formula like BM25.

The ranking of chunks in ``text`` finds the passage that answers a question. This ranking finds the document whose
passages contain the words of the query, perhaps each word in another passage. The frequency of a word is the number of
the document's chunks that contain it, and the length of a document is its number of chunks. Both are cheap to count,
because chunks have similar sizes. See Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and
Beyond", https://doi.org/10.1561/1500000019.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.search.filters import NO_FILTERS, ChunkConditions, Filters, chunk_conditions
from core.search.query.fusion import Ranked, RankingParameters
from core.search.query.text import Lexeme, split_by_rarity

MAX_DOCUMENTS = 400
"""Maximum number of documents whose length is read. More documents make a search slower."""
IN_TEXT = """
    SELECT c.document_id, %s AS term, count(*)::float AS frequency, 0 AS titled, min(c.id) AS chunk
    FROM core_chunk c {join} WHERE {matches} {where} GROUP BY c.document_id
"""
IN_TITLE = """
    SELECT n.id, %s, 0, 1, c.id FROM core_document n JOIN core_chunk c ON c.document_id = n.id AND c.ordinal = 0 {join}
    WHERE n.title_tsv @@ %s::tsquery {where}
"""
SCORED = """
    WITH found AS MATERIALIZED (
        SELECT f.document_id, w.weight, sum(f.frequency) + %s * max(f.titled) AS frequency, min(f.chunk) AS chunk
        FROM ({union}) f JOIN unnest(%s::int[], %s::float[]) AS w (term, weight) ON w.term = f.term
        GROUP BY f.document_id, f.term, w.weight
    ), best AS (
        SELECT document_id, min(chunk) AS chunk FROM found GROUP BY document_id
        ORDER BY sum(weight * frequency / (frequency + %s)) DESC, document_id LIMIT %s
    ), sized AS MATERIALIZED (
        SELECT b.document_id, b.chunk, (
            SELECT c.ordinal + 1 FROM core_chunk c WHERE c.document_id = b.document_id ORDER BY c.ordinal DESC LIMIT 1
        ) AS chunks FROM best b
    ), average AS (
        SELECT coalesce(
            (SELECT share FROM core_commonword WHERE vector = 'documents' AND lexeme = ''), avg(chunks)
        ) AS chunks FROM sized
    )
    SELECT s.document_id, s.chunk, sum(f.weight * f.frequency * (1 + %s)
        / (f.frequency + %s * (1 - %s + %s * s.chunks / (SELECT chunks FROM average)))) AS score
    FROM sized s JOIN found f USING (document_id)
    GROUP BY s.document_id, s.chunk ORDER BY score DESC, s.document_id LIMIT %s
"""


IN_STEMS, IN_EITHER = "c.tsv @@ %s::tsquery", "(c.tsv @@ %s::tsquery OR c.tsv_simple @@ %s::tsquery)"
"""Conditions for a stem, and for an exact word. A chunk contains an exact word in one of the two columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Term:
    """A word of the query, with its weight."""

    lexeme: Lexeme
    weight: float


def search_documents(query: Sequence[Lexeme], filters: Filters, parameters: RankingParameters) -> list[Ranked]:
    """Return the documents that contain words of the query, best first, each with the first of its matching chunks.

    The score is a share of the highest possible score of the query, at most 1.
    """
    terms = _terms(query, parameters)
    highest = sum(term.weight for term in terms) * (1 + parameters.saturation) or 1.0
    rare, common = split_by_rarity([term.lexeme for term in terms])
    for selected in (rare, common):
        counted = [term for term in terms if term.lexeme in selected]
        if counted and (rows := _scored(counted, filters, parameters)):
            return [Ranked(document=row[0], chunk=row[1], score=min(1.0, float(row[2]) / highest)) for row in rows]
    return []


def _terms(query: Sequence[Lexeme], parameters: RankingParameters) -> list[_Term]:
    """Return each word of the query once. An exact word that equals a stem adds to the weight of the stem."""
    stems = {lexeme.text: lexeme for lexeme in query if lexeme.vector == "tsv"}
    exact = [lexeme for lexeme in query if lexeme.vector == "tsv_simple"]
    both = {lexeme.text: parameters.parts * lexeme.weight for lexeme in exact if lexeme.text in stems}
    terms = [_Term(lexeme=lexeme, weight=lexeme.weight + both.get(text, 0.0)) for text, lexeme in stems.items()]
    for lexeme in exact:
        if lexeme.text not in stems:  # words of other scripts have no stems
            share = parameters.parts if lexeme.text.isascii() else 1.0
            terms.append(_Term(lexeme=lexeme, weight=share * lexeme.weight))
    return terms


def _scored(terms: Sequence[_Term], filters: Filters, parameters: RankingParameters) -> list[tuple[int, int, float]]:
    conditions = ChunkConditions(parameters=[]) if filters == NO_FILTERS else chunk_conditions(filters)
    selects: list[str] = []
    values: list[Any] = []
    for number, term in enumerate(terms):
        is_stem, word = term.lexeme.vector == "tsv", term.lexeme.query
        matches = IN_STEMS if is_stem else IN_EITHER
        selects.append(IN_TEXT.format(matches=matches, join=conditions.join, where=conditions.where))
        values += [number, *([word] if is_stem else [word, word]), *conditions.parameters]
        if is_stem:
            selects.append(IN_TITLE.format(join=conditions.join, where=conditions.where))
            values += [number, word, *conditions.parameters]
    k, length = parameters.saturation, parameters.length
    with connection.cursor() as cursor:
        cursor.execute(
            SCORED.format(union=" UNION ALL ".join(selects)),
            [
                parameters.titled, *values, list(range(len(terms))), [term.weight for term in terms], k,
                MAX_DOCUMENTS, k, k, length, length, parameters.depth,
            ],
        )  # fmt: skip
        return cursor.fetchall()
