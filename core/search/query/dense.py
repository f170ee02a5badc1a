"""Search by meaning: documents of the nearest vectors of the index."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from core.models import Chunk
from core.search.filters import Filters
from core.search.namespaces import Target, serving
from core.search.query.fusion import Ranked, RankingParameters


@contextmanager
def search_vectors(
    words: str, filters: Filters, parameters: RankingParameters
) -> Generator[Callable[[], list[Ranked]]]:
    """Embed a clean query in a thread; yield a function that returns the best chunk of each document, best first.

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
    """Return the documents of the ``depth`` nearest chunks. Vectors that this database has no chunk for are ignored."""
    matches = target.index.query(vector, filters, depth)
    ids = [match.vector_id for match in matches]
    rows = Chunk.objects.filter(vector_id__in=ids).values_list("vector_id", "pk", "document_id")
    chunks = {vector_id: (chunk, document) for vector_id, chunk, document in rows}
    best: dict[int, Ranked] = {}
    for match in matches:
        if match.vector_id in chunks:
            chunk, document = chunks[match.vector_id]
            best.setdefault(document, Ranked(document=document, chunk=chunk, score=match.score))
    return list(best.values())
