"""By meaning: the nearest vectors of the index, as documents."""

import numpy as np
from numpy.typing import NDArray

from core.models import Chunk
from core.search.filters import Filters
from core.search.namespaces import Target, serving
from core.search.query.tuning import Ranked, Tuning


def by_meaning(words: str, filters: Filters, tuning: Tuning) -> list[Ranked]:
    """The best chunk of each document, the best first; ``words`` are cleaned."""
    target = serving()  # by its model; nothing before the first sync
    return nearest(target, target.embedder.embed([words], "query")[0], filters, tuning.depth) if target else []


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
