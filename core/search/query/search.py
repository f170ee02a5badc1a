"""Search documents by words and by meaning, or find documents that are similar to a document."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Literal

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from core.db.distinct import different_values
from core.models import Chunk, Document, Scope
from core.search.documents import possible_keys
from core.search.filters import NO_FILTERS, Filters
from core.search.indexes.base import parts_of
from core.search.namespaces import Target, serving
from core.search.query.exact import find_exact, lead, names_only_items, support
from core.search.query.fusion import Ranked, RankingParameters, fuse
from core.search.query.results import Result, load_results
from core.search.query.text import Lexeme, clean_query, lexemes, search_text
from core.search.vectors import stored_vectors

Mode = Literal["hybrid", "text", "dense"]
DEFAULT_PARAMETERS = RankingParameters()
SIMILAR_CHUNKS = 16
"""Number of leading chunks of a document that are averaged to find similar documents. More chunks would include more
topics of a long thread."""
MAX_RESULTS = 200
"""Maximum number of results of one query, over all pages. Each of the two rankings has at most 100 documents."""


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

    Any text is a valid query.
    """
    words = clean_query(words)
    ranking, query = rank(words, mode=mode, filters=filters, parameters=parameters)
    return load_results(ranking[offset : min(offset + limit, MAX_RESULTS)], words, query, filters or NO_FILTERS)


def rank(
    words: str,
    *,
    mode: Mode,
    filters: Filters | None = None,
    parameters: RankingParameters = DEFAULT_PARAMETERS,
) -> tuple[list[Ranked], list[Lexeme]]:
    """Return the ranking of documents for a clean query, and the lexemes of the query."""
    filters = filters or NO_FILTERS
    if not words:
        return [], []
    exact = find_exact(words, filters)
    if mode == "text" or (mode == "hybrid" and names_only_items(words, exact)):
        query = lexemes(words)
        text = support(exact, search_text(query, filters, parameters)[: parameters.depth])
        return lead(exact, text), query
    with search_vectors(words, filters, parameters) as nearest_documents:
        query = lexemes(words)  # the model embeds the words at the same time
        text = search_text(query, filters, parameters)[: parameters.depth] if mode == "hybrid" else []
        text = support(exact, text) if mode == "hybrid" else []
        return lead(exact, fuse(text, nearest_documents(), parameters)), query


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
        yield lambda: nearest(target, vector.result()[0], filters, parameters.depth)


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
    ranking = nearest(target, mean / np.linalg.norm(mean), filters or NO_FILTERS, DEFAULT_PARAMETERS.depth)
    return load_results([item for item in ranking if item.document not in itself][:limit], "", [])


def unmatched_filter(filters: Filters) -> str:
    """Return a message about the first filter with an unknown value, or an empty text if all values are known.

    Checks the source, kind, scope and author. The message suggests similar values.
    """
    if filters.source and not _has_documents(filters.source):
        sources = different_values(Scope, "source_system")
        return _suggestion("source", filters.source, filter(_has_documents, sources))
    if filters.kind and not Document.objects.filter(kind=filters.kind).exists():
        kinds = Document.objects.values_list("kind", flat=True).order_by("kind").distinct()
        return _suggestion("kind", filters.kind, kinds)
    if filters.scope and not Scope.objects.filter(name__iexact=filters.scope).exists():
        return _suggestion("scope", filters.scope, Scope.objects.values_list("name", flat=True))
    if filters.author and not Document.objects.filter(author__iexact=filters.author).exists():
        authors = Document.objects.values_list("author", flat=True).distinct()[:10_000]
        return _suggestion("author", filters.author, authors)
    return ""


def _has_documents(source: str) -> bool:
    """Return whether a source has documents. The query uses the indexes of scopes and of the documents of a scope."""
    documents = Document.objects.filter(scope=OuterRef("pk"))
    return Scope.objects.filter(Exists(documents), source_system=source).exists()


def _suggestion(name: str, value: str, known: Iterable[object]) -> str:
    choices = {str(choice).lower(): str(choice) for choice in known if choice}
    similar = get_close_matches(value.lower(), list(choices), n=3, cutoff=0.5)
    similar = similar or [choice for choice in choices if value.lower() in choice][:3]
    question = f" Did you mean {', '.join(choices[choice] for choice in similar)}?" if similar else ""
    all_values = f" Choices: {', '.join(list(choices.values())[:8])}." if not similar and 0 < len(choices) <= 8 else ""
    return f"No {name} is called {value!r}.{question}{all_values}"
