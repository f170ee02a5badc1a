"""Full-text search: one statement finds the chunks and the documents with words of the query.

Chunks are then ranked by ``text``, which finds the passage that answers a question. Documents are ranked here, with a
formula like BM25: a document may contain each word of the query in another passage. The frequency of a word is the
number of the document's chunks that contain it, and the length of a document is its number of chunks. Both are cheap to
count, because chunks have similar sizes. See Robertson, Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and
Beyond", https://doi.org/10.1561/1500000019.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.search.filters import NO_FILTERS, ChunkConditions, Filters, chunk_conditions
from core.search.query.fusion import Ranked, RankingParameters
from core.search.query.text import Lexeme, rank_chunks, split_by_rarity

MAX_CANDIDATES = 400
"""Maximum number of chunks that are ranked. More candidates make a search slower."""
MAX_DOCUMENTS = 400
"""Maximum number of documents whose length is read. More documents make a search slower."""
IN_TEXT = "SELECT x.id, x.document_id, %s::int, FALSE FROM core_chunk x WHERE {matches}"
STEM, EXACT = "x.tsv @@ %s::tsquery", "x.tsv_simple @@ %s::tsquery"
EITHER = f"({STEM} OR {EXACT})"
"""Conditions for chunks. A chunk contains an exact word in one of the two columns: in ``tsv`` if it equals a stem."""
IN_TITLE = """
    SELECT x.id, n.id, %s::int, TRUE FROM core_document n JOIN core_chunk x ON x.document_id = n.id AND x.ordinal = 0
    WHERE n.title_tsv @@ %s::tsquery
"""
MATCHES = """
    WITH hit AS MATERIALIZED (
        SELECT f.id, f.document_id, f.term, f.titled FROM ({union}) AS f (id, document_id, term, titled) {join}
        WHERE TRUE {where}
    ), word AS MATERIALIZED (
        SELECT * FROM unnest(%s::int[], %s::float[], %s::float[]) AS w (term, worth, weight)
    ), candidate AS (
        SELECT h.id FROM hit h JOIN word w ON w.term = h.term
        GROUP BY h.id ORDER BY sum(w.worth) DESC, h.id LIMIT %s
    ), found AS MATERIALIZED (
        SELECT h.document_id, w.weight, min(h.id) AS chunk,
            count(*) FILTER (WHERE NOT h.titled) + %s::float * count(*) FILTER (WHERE h.titled) AS frequency
        FROM hit h JOIN word w ON w.term = h.term WHERE w.weight > 0 GROUP BY h.document_id, h.term, w.weight
    ), best AS (
        SELECT document_id, min(chunk) AS chunk FROM found GROUP BY document_id
        ORDER BY sum(weight * frequency / (frequency + %s::float)) DESC, document_id LIMIT %s
    ), sized AS MATERIALIZED (
        SELECT b.document_id, b.chunk, (
            SELECT c.ordinal + 1 FROM core_chunk c WHERE c.document_id = b.document_id ORDER BY c.ordinal DESC LIMIT 1
        ) AS chunks FROM best b
    ), average AS (
        SELECT coalesce(
            (SELECT share FROM core_commonword WHERE vector = 'documents' AND lexeme = ''), avg(chunks)::float
        ) AS chunks FROM sized
    ), scored AS (
        SELECT s.document_id, s.chunk, sum(
            f.weight * f.frequency * (1 + %s::float)
            / (f.frequency + %s::float * (1 - %s::float + %s::float * s.chunks / (SELECT chunks FROM average)))
        ) AS score
        FROM sized s JOIN found f ON f.document_id = s.document_id
        GROUP BY s.document_id, s.chunk ORDER BY score DESC, s.document_id LIMIT %s
    )
    SELECT NULL, id, NULL FROM candidate UNION ALL SELECT document_id, chunk, score FROM scored
"""
"""Statement that returns the candidates (chunks with the highest total weight of words), and the best documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A word of the query, and the condition for the chunks that contain it.

    ``worth`` counts for the choice of candidates, and ``weight`` for the score of documents.
    """

    lexeme: Lexeme
    matches: str
    worth: float
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WordMatches:
    """The two rankings by words, each best first, each document once.

    The score in ``documents`` is a share of the highest possible score of the query, at most 1.
    """

    chunks: Sequence[Ranked] = ()
    documents: Sequence[Ranked] = ()


def search_words(query: Sequence[Lexeme], filters: Filters, parameters: RankingParameters) -> WordMatches:
    """Return the documents that contain words of the query, ranked by their best chunk and as a whole."""
    terms = query_terms(query, parameters)
    highest = sum(term.weight for term in terms) * (1 + parameters.saturation) or 1.0
    # The parts of identifiers are few, and are used together with the stem of the same word.
    rare, common = split_by_rarity([term.lexeme for term in terms if term.matches != EXACT])
    for selected in (rare, common):
        words = {lexeme.text for lexeme in selected}
        used = [term for term in terms if term.lexeme.text in words]
        rows = _matching(used, filters, parameters) if used else []
        if rows:
            documents = [
                Ranked(document=document, chunk=chunk, score=min(1.0, float(score or 0.0) / highest))
                for document, chunk, score in rows
                if document is not None
            ]
            chunks = rank_chunks([chunk for document, chunk, _ in rows if document is None], query, parameters)
            return WordMatches(chunks=chunks[: parameters.depth], documents=documents)
    return WordMatches()


def query_terms(query: Sequence[Lexeme], parameters: RankingParameters) -> list[Term]:
    """Return the words of the query. A chunk matches at most one term of a word.

    If an exact word equals a stem, documents with the stem get both weights. Chunks with only the exact word, which is
    then a part of an identifier, are candidates, but do not count for the score of the document.
    """
    stems = {lexeme.text: lexeme for lexeme in query if lexeme.vector == "tsv"}
    exact = {lexeme.text: lexeme for lexeme in query if lexeme.vector == "tsv_simple"}
    terms: list[Term] = []
    for text, lexeme in stems.items():
        same = exact[text].weight if text in exact else 0.0
        weight = lexeme.weight + parameters.parts * same
        terms.append(Term(lexeme=lexeme, matches=STEM, worth=lexeme.weight + same, weight=weight))
    for text, lexeme in exact.items():
        if text in stems:
            terms.append(Term(lexeme=lexeme, matches=EXACT, worth=lexeme.weight, weight=0.0))
        else:
            share = parameters.parts if text.isascii() else 1.0  # words of other scripts have no stems
            terms.append(Term(lexeme=lexeme, matches=EITHER, worth=lexeme.weight, weight=share * lexeme.weight))
    return terms


def _matching(
    terms: Sequence[Term], filters: Filters, parameters: RankingParameters
) -> list[tuple[int | None, int, float | None]]:
    conditions = ChunkConditions(parameters=[]) if filters == NO_FILTERS else chunk_conditions(filters)
    selects: list[str] = []
    values: list[Any] = []
    for number, term in enumerate(terms):
        word = term.lexeme.query
        selects.append(IN_TEXT.format(matches=term.matches))
        values += [number, *[word] * term.matches.count("%s")]
        if term.matches == STEM:
            selects.append(IN_TITLE)
            values += [number, word]
    join = f"JOIN core_chunk c ON c.id = f.id {conditions.join}" if conditions.where else ""
    k, length = parameters.saturation, parameters.length
    with connection.cursor() as cursor:
        cursor.execute(
            MATCHES.format(union=" UNION ALL ".join(selects), join=join, where=conditions.where),
            [
                *values, *conditions.parameters, list(range(len(terms))), [term.worth for term in terms],
                [term.weight for term in terms], MAX_CANDIDATES, parameters.titled, k, MAX_DOCUMENTS, k, k, length,
                length, parameters.depth,
            ],
        )  # fmt: skip
        return cursor.fetchall()
