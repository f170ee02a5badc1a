"""Full-text search that ranks whole documents, with a formula like BM25.

The ranking of chunks in ``text`` finds the passage that answers a question. This ranking finds the document whose
passages contain the words of the query, perhaps each word in another passage. The frequency of a word is the number of
the document's chunks that contain it, and the length of a document is its number of chunks. Both are cheap to count,
because chunks have similar sizes. See Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and
Beyond", https://doi.org/10.1561/1500000019.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from core.search.filters import NO_FILTERS, ChunkConditions, Filters, chunk_conditions
from core.search.query.fusion import Ranked, RankingParameters
from core.search.query.text import Lexeme, split_by_rarity

MAX_DOCUMENTS = 400
"""Maximum number of documents whose length is read. More documents make a search slower."""
IN_TEXT = """
    SELECT c.document_id, %s AS term, count(*)::float AS frequency, 0 AS titled, min(c.id) AS chunk
    FROM core_chunk c {join} WHERE c.{vector} @@ %s::tsquery {where} GROUP BY c.document_id
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
    )
    SELECT s.document_id, s.chunk, sum(f.weight * f.frequency * (1 + %s)
        / (f.frequency + %s * (1 - %s + %s * s.chunks / (SELECT avg(chunks) FROM sized)))) AS score
    FROM sized s JOIN found f USING (document_id)
    GROUP BY s.document_id, s.chunk ORDER BY score DESC, s.document_id LIMIT %s
"""


def search_documents(query: Sequence[Lexeme], filters: Filters, parameters: RankingParameters) -> list[Ranked]:
    """Return the documents that contain words of the query, best first. The chunk is the first with such a word."""
    rare, common = split_by_rarity(list(query))
    return _scored(rare, query, filters, parameters) or _scored(common, query, filters, parameters)


def _scored(
    counted: Sequence[Lexeme], query: Sequence[Lexeme], filters: Filters, parameters: RankingParameters
) -> list[Ranked]:
    if not counted:
        return []
    conditions = ChunkConditions(parameters=[]) if filters == NO_FILTERS else chunk_conditions(filters)
    stems = {lexeme.text for lexeme in query if lexeme.vector == "tsv"}
    selects: list[str] = []
    values: list[Any] = []
    for term, lexeme in enumerate(counted):
        for select in (IN_TEXT, IN_TITLE) if lexeme.vector == "tsv" else (IN_TEXT,):
            selects.append(select.format(vector=lexeme.vector, join=conditions.join, where=conditions.where))
            values += [term, lexeme.query, *conditions.parameters]
    weights = [
        lexeme.weight * (1 if lexeme.vector == "tsv" or _has_no_stem(lexeme, stems) else parameters.parts)
        for lexeme in counted
    ]
    k, length = parameters.saturation, parameters.length
    with connection.cursor() as cursor:
        cursor.execute(
            SCORED.format(union=" UNION ALL ".join(selects)),
            [
                parameters.titled, *values, list(range(len(counted))), weights, k, MAX_DOCUMENTS, k, k, length, length,
                parameters.depth,
            ],
        )  # fmt: skip
        return [Ranked(document=row[0], chunk=row[1], score=float(row[2])) for row in cursor.fetchall()]


def _has_no_stem(lexeme: Lexeme, stems: set[str]) -> bool:
    """Return whether a word is only in ``tsv_simple``, as words of other scripts are."""
    return not (lexeme.text.isascii() or lexeme.text in stems)
