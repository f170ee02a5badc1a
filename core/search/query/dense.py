"""By meaning: the nearest vectors of the index, as documents."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from core.models import Chunk
from core.search.filters import Filters
from core.search.namespaces import Target, serving
from core.search.query.ranking import Ranked, Tuning


@contextmanager
def by_meaning(words: str, filters: Filters, tuning: Tuning) -> Generator[Callable[[], list[Ranked]]]:
    """Something to call for the best chunk of each document, the best first; ``words`` are cleaned.

    They are embedded from now on, beside what the caller does until then.
    """
    target = serving()  # by its model
    if target is None:  # before the first sync
        yield list
        return
    embedder = target.embedder
    with ThreadPoolExecutor(1) as pool:
        vector = pool.submit(embedder.embed, [words], "query")
        yield lambda: nearest(target, vector.result()[0], filters, tuning.depth)


def nearest(target: Target, vector: NDArray[np.float32], filters: Filters, depth: int) -> list[Ranked]:
    """Documents of the ``depth`` nearest chunks. What the index holds and this database does not is left out."""
    hits = target.index.query(vector, filters, depth)
    ids = [hit.vector_id for hit in hits]
    rows = Chunk.objects.filter(vector_id__in=ids).values_list("vector_id", "pk", "document_id")
    places = {vector_id: (chunk, document) for vector_id, chunk, document in rows}
    best: dict[int, Ranked] = {}
    for hit in hits:
        if hit.vector_id in places:
            chunk, document = places[hit.vector_id]
            best.setdefault(document, Ranked(document=document, chunk=chunk, score=hit.score))
    return list(best.values())
