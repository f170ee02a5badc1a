"""Search documents by words and by meaning, or find documents that are similar to a document."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Literal

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from core.models import Chunk, Document
from core.search.documents import possible_keys
from core.search.filters import NO_FILTERS, Filters, both
from core.search.indexes.base import parts_of
from core.search.namespaces import Target, serving
from core.search.query.distribution import NO_DOCUMENTS, Distribution, distribution, may_be_cut
from core.search.query.exact import find_exact, lead, names_only_items, support
from core.search.query.floor import has_answer, may_be_foreign
from core.search.query.fusion import Ranked, RankingParameters, Rankings, fuse
from core.search.query.language import parse
from core.search.query.listing import by_time, list_documents, with_preferred_passages
from core.search.query.results import Result, load_results
from core.search.query.spelling import corrections, with_corrections
from core.search.query.text import Lexeme, clean_query, lexemes
from core.search.query.unknown_values import common_phrases, unmatched_filter
from core.search.query.words import MAX_CANDIDATES, search_words
from core.search.vectors import stored_vectors

Mode = Literal["hybrid", "text", "dense"]
DEFAULT_PARAMETERS = RankingParameters()
SIMILAR_CHUNKS = 16
"""Number of leading chunks of a document that are averaged to find similar documents. More chunks would include more
topics of a long thread."""
MAX_RESULTS = 200
"""Maximum number of results of one query, over all pages. Each of the two rankings has at most 100 documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The results of a query.

    ``problems`` are sentences about operators of the query. ``corrections`` contains the words that were also searched
    for, by the misspelt word. ``distribution`` covers all ranked documents, not only ``results``.
    """

    results: list[Result]
    problems: tuple[str, ...] = ()
    corrections: Mapping[str, str] = field(default_factory=dict)
    distribution: Distribution = NO_DOCUMENTS


def search(
    words: str,
    *,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    limit: int = 10,
    offset: int = 0,
    parameters: RankingParameters = DEFAULT_PARAMETERS,
) -> list[Result]:
    """Return up to ``limit`` documents, best match first. The ``offset`` best documents are left out.

    Any text is a valid query. It may contain the operators of the query language.
    """
    return answer(
        words, mode=mode, filters=filters, limit=limit, offset=offset, parameters=parameters, count=False
    ).results


def answer(
    text: str,
    *,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    limit: int = 10,
    offset: int = 0,
    parameters: RankingParameters = DEFAULT_PARAMETERS,
    count: bool = True,
    today: date | None = None,
) -> Answer:
    """Return the results of a query, with its problems, its corrections and the distribution of all ranked documents.

    A query without words lists the documents that match its operators, newest first. A query without words and
    operators has no results. ``today`` is the current day in UTC by default. Without ``count``, the distribution is
    empty.
    """
    parsed = parse(clean_query(text), today or timezone.now().astimezone(UTC).date())
    filters = both(filters or NO_FILTERS, parsed.filters)
    if parsed.plain_text:
        corrected = {} if may_be_foreign(parsed.words) else corrections(parsed.words)
        ranking, query = rank(
            " ".join([parsed.plain_text, *corrected.values()]), mode=mode, filters=filters, parameters=parameters,
            words_of_text=with_corrections(parsed.plain_text, corrected),
        )  # fmt: skip
        is_cut = count and may_be_cut(
            ranking, parameters.depth, MAX_CANDIDATES if mode == "text" else parameters.vectors
        )
    else:
        corrected, query = dict[str, str](), list[Lexeme]()
        has_operators = parsed.filters != NO_FILTERS or parsed.sort != "relevance"
        ranking = list_documents(filters, parsed.sort, MAX_RESULTS + 1) if has_operators else []
        is_cut, ranking = len(ranking) > MAX_RESULTS, ranking[:MAX_RESULTS]
    if parsed.plain_text and parsed.sort != "relevance":
        ranking = by_time(with_preferred_passages(ranking, filters, query), parsed.sort, by_words=mode == "text")
        page = ranking[offset : min(offset + limit, MAX_RESULTS)]
    else:
        page = with_preferred_passages(ranking[offset : min(offset + limit, MAX_RESULTS)], filters, query)
    unmatched = unmatched_filter(filters) if not ranking and filters != NO_FILTERS else ""
    return Answer(
        results=load_results(page, " ".join([parsed.plain_text, *corrected.values()]), query, filters),
        problems=(*parsed.problems, *common_phrases(filters), *([unmatched] if unmatched else [])),
        corrections=corrected,
        distribution=distribution(ranking, is_cut=is_cut) if count else NO_DOCUMENTS,
    )


def rank(
    words: str,
    *,
    mode: Mode,
    filters: Filters | None = None,
    parameters: RankingParameters = DEFAULT_PARAMETERS,
    words_of_text: str | None = None,
) -> tuple[list[Ranked], list[Lexeme]]:
    """Return the ranking of documents for a clean query, and the lexemes of the query.

    The text search uses ``words_of_text``, if given, instead of ``words``.
    """
    filters = filters or NO_FILTERS
    if not words:
        return [], []
    exact = find_exact(words, filters)
    with ExitStack() as stack:
        nearest_documents = None
        if mode != "text" and not (mode == "hybrid" and names_only_items(words, exact)):
            nearest_documents = stack.enter_context(search_vectors(words, filters, parameters))
        query = lexemes(words if words_of_text is None else words_of_text)  # the model embeds the words meanwhile
        chunks: Sequence[Ranked] = ()
        documents: Sequence[Ranked] = ()
        if mode != "dense":
            matches = search_words(query, filters, parameters)
            chunks, documents = support(exact, matches.chunks), matches.documents
        dense = nearest_documents() if nearest_documents else []
    rankings = Rankings(chunks=chunks, documents=documents, dense=dense, recency=recency([*chunks, *documents, *dense]))
    is_judged = mode == "hybrid" and filters == NO_FILTERS and not exact
    if is_judged and (similar := _similar()) is not None and not has_answer(words, rankings, similar):
        return [], query
    return lead(exact, fuse(rankings, parameters)), query


def _similar() -> float | None:
    """Return the property ``similar`` of the model that answers queries, or ``None`` before the first sync."""
    target = serving()
    return target.embedder.info.similar if target else None


RECENCY = """
    SELECT id, power(0.5, greatest(0, extract(epoch FROM now() - coalesce(changed_at, occurred_at))) / 31557600)::float
    FROM core_document WHERE id = ANY(%s) AND coalesce(changed_at, occurred_at) IS NOT NULL
"""
"""Statement that returns 1 for a document of now, and half of it for each year of age."""


def recency(ranking: Iterable[Ranked]) -> dict[int, float]:
    """Return how recent documents are, from 0 to 1, by primary key. Documents without a time are left out."""
    with connection.cursor() as cursor:
        cursor.execute(RECENCY, [sorted({item.document for item in ranking})])
        return dict(cursor.fetchall())


@contextmanager
def search_vectors(
    words: str, filters: Filters, parameters: RankingParameters
) -> Generator[Callable[[], list[Ranked]]]:
    """Embed a clean query in a thread, and yield a function that returns the nearest documents, nearest first.

    The caller can do other work, such as the text search, before it calls the function.
    """
    target = serving()
    if target is None:  # before the first sync
        yield list
        return
    embedder = target.embedder
    with ThreadPoolExecutor(1) as pool:
        vector = pool.submit(embedder.embed, [words], "query")
        yield lambda: nearest(target, vector.result()[0], filters, parameters.vectors)


def nearest(target: Target, vector: NDArray[np.float32], filters: Filters, depth: int) -> list[Ranked]:
    """Return the documents of the ``depth`` nearest chunks, nearest first.

    Vectors without a chunk in this database are ignored.
    """
    matches = target.index.query(vector, filters, depth)
    chunks = _chunks([match.vector_id for match in matches])
    best: dict[int, Ranked] = {}
    for match in matches:
        if match.vector_id in chunks:
            chunk, document = chunks[match.vector_id]
            best.setdefault(document, Ranked(document=document, chunk=chunk, score=match.score))
    return list(best.values())


def _chunks(ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the primary keys of chunks and of their documents, by the id of the chunk in the index."""
    parts = {part: name for name in ids if (part := parts_of(name))}
    rows = Chunk.objects.filter(
        document__key__in=possible_keys(external_id for external_id, _ in parts),
        ordinal__in={ordinal for _, ordinal in parts},
    ).values_list("document__external_id", "ordinal", "pk", "document_id")
    return {
        parts[external_id, ordinal]: (chunk, document)
        for external_id, ordinal, chunk, document in rows
        if (external_id, ordinal) in parts
    }


def similar_documents(external_id: str, *, filters: Filters | None = None, limit: int = 10) -> list[Result]:
    """Return the documents nearest in meaning to a document. Raises LookupError if the document is not in the index."""
    itself = set(Document.objects.filter(key__in=possible_keys([external_id])).values_list("pk", flat=True))
    chunks = Chunk.objects.filter(document__in=itself, document__deleted_at=None).order_by("ordinal")
    hashes = list(chunks.values_list("text_hash", flat=True)[:SIMILAR_CHUNKS])
    target = serving()
    vectors = list(stored_vectors(target.embedder, hashes).values()) if target else []
    if not target or not vectors:
        raise LookupError(f"{external_id} is not in the index.")
    mean = np.mean(np.array(vectors, np.float32), axis=0)
    ranking = nearest(target, mean / np.linalg.norm(mean), filters or NO_FILTERS, DEFAULT_PARAMETERS.vectors)
    return load_results([item for item in ranking if item.document not in itself][:limit], "", [])
