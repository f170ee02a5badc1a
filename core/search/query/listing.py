"""Lists of documents by time, and the passage that a result shows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from django.db import connection

from core.search.filters import WHEN, Filters, any_case, chunk_conditions
from core.search.phrases import pattern
from core.search.query.fusion import Ranked
from core.search.query.language import Sort
from core.search.query.passages import TELLING
from core.search.query.text import Lexeme

LIST = """
    SELECT d.id, p.id FROM core_document d CROSS JOIN LATERAL (
        SELECT c.id, {when} AS at FROM core_chunk c WHERE c.document_id = d.id {where} ORDER BY c.ordinal LIMIT 1
    ) p
    WHERE d.deleted_at IS NULL {candidates} ORDER BY p.at {direction} NULLS LAST, d.id LIMIT %s
"""
"""Statement that lists documents with their first passage that matches, by the time of this passage."""
LIST_WHOLE = """
    SELECT d.id, (SELECT c.id FROM core_chunk c WHERE c.document_id = d.id ORDER BY c.ordinal LIMIT 1)
    FROM core_document d
    WHERE d.deleted_at IS NULL AND EXISTS (SELECT 1 FROM core_chunk c WHERE c.document_id = d.id) {where}
    ORDER BY d.occurred_at {direction} NULLS LAST, d.id LIMIT %s
"""
"""Statement that lists documents by their own time, for conditions that every passage of a document fulfils."""
BY_AUTHOR = """AND d.id IN (
    SELECT document_id FROM core_chunk WHERE lower(author) = ANY({names})
    UNION ALL SELECT id FROM core_document WHERE lower(author) = ANY({names})
)"""
"""Condition that finds the documents of authors before their passages are compared one by one."""
PREFER = """
    SELECT DISTINCT ON (c.document_id) c.document_id, c.id FROM core_chunk c
    WHERE c.document_id = ANY(%s) AND ({preference}) > 0
    ORDER BY c.document_id, length(c.text) >= {telling} DESC, {preference} DESC, c.id = ANY(%s) DESC,
        ts_rank(c.tsv, %s::tsquery) DESC, c.ordinal
"""
RELEVANT = 0.7
"""Share of the best score that a result needs in a list by time. The vector search returns the 100 nearest chunks even
if they have nothing to do with the query."""


def list_documents(filters: Filters, sort: Sort, limit: int) -> list[Ranked]:
    """Return the documents that match the filters, newest first, or oldest first if ``sort`` says so."""
    conditions, authors = chunk_conditions(filters), filters.values_of("author")
    direction = "ASC" if sort == "oldest" else "DESC"
    if conditions.uses_chunk:
        candidates = BY_AUTHOR.format(names=any_case(authors)) if authors else ""
        sql = LIST.format(when=WHEN, where=conditions.where, candidates=candidates, direction=direction)
        parameters = [*conditions.parameters, *authors, *authors]
    else:
        sql = LIST_WHOLE.format(where=conditions.where, direction=direction)
        parameters = conditions.parameters
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, limit])
        return [Ranked(document=document, chunk=chunk, score=0.0) for document, chunk in cursor.fetchall()]


def by_time(ranking: Sequence[Ranked], sort: Sort, *, by_words: bool) -> list[Ranked]:
    """Return the relevant documents of a ranking by the time of their passages. Passages without a time are last.

    ``by_words`` is true for a ranking by words alone. Its scores depend on the number of repetitions of a word, so the
    weights of the matching words are compared instead.
    """
    worth = [item.sure if by_words else item.score for item in ranking]
    least = RELEVANT * max(worth, default=0.0)
    relevant = [item for item, value in zip(ranking, worth, strict=True) if value >= least]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, {WHEN} FROM core_chunk c JOIN core_document d ON d.id = c.document_id WHERE c.id = ANY(%s)",  # noqa: S608  (constants)
            [[item.chunk for item in relevant]],
        )
        times: dict[int, datetime | None] = dict(cursor.fetchall())
    epoch, sign = datetime(1970, 1, 1, tzinfo=UTC), 1 if sort == "oldest" else -1

    def key(item: Ranked) -> tuple[bool, float, int]:
        at = times.get(item.chunk)
        return at is None, sign * (at - epoch).total_seconds() if at else 0.0, item.document

    return sorted(relevant, key=key)


def with_preferred_passages(ranking: Sequence[Ranked], filters: Filters, query: Sequence[Lexeme]) -> list[Ranked]:
    """Return the ranking with the passages that the filters are about, if the documents have such passages.

    These are the passages of the author that contain a word of the query, and the passages with a phrase.
    """
    authors, phrases = filters.values_of("author"), filters.values_of("phrase")
    if not ranking or not (authors or phrases):
        return list(ranking)
    any_word = " | ".join(lexeme.query for lexeme in query)
    has_word = "(c.tsv @@ %s::tsquery OR c.tsv_simple @@ %s::tsquery)"
    preferences: list[str] = []
    parameters: list[str] = []
    if authors:
        preferences.append(f"(lower(c.author) = ANY({any_case(authors)}) AND {has_word})::int")
        parameters += [*authors, any_word, any_word]
    for phrase in phrases:
        preferences.append("(c.text ~* %s)::int")
        parameters.append(pattern(phrase))
    documents, chunks = [item.document for item in ranking], [item.chunk for item in ranking]
    with connection.cursor() as cursor:
        sql = PREFER.format(preference=" + ".join(preferences), telling=TELLING)
        cursor.execute(sql, [documents, *parameters, *parameters, chunks, any_word])
        preferred: dict[int, int] = dict(cursor.fetchall())
    return [
        replace(item, chunk=preferred[item.document], is_passage=True) if item.document in preferred else item
        for item in ranking
    ]
