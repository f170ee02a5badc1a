"""Search, and more like this."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

import numpy as np

from core.models import Chunk, Document, Scope
from core.search.filters import Filters
from core.search.namespaces import serving
from core.search.query.dense import by_meaning, nearest
from core.search.query.fusion import fused
from core.search.query.lexemes import cleaned
from core.search.query.ranking import Ranked, Tuning
from core.search.query.results import Result, results
from core.search.query.text import by_text
from core.search.vectors import kept

Mode = Literal["hybrid", "text", "dense"]
TUNING = Tuning()
LIKE_CHUNKS = 16
"""So many first chunks say what a document is about."""
DEEPEST = 200
"""Results of one query at most."""


def search(
    words: str,
    *,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    limit: int = 10,
    offset: int = 0,
    tuning: Tuning = TUNING,
) -> list[Result]:
    """Documents that fit best, the best first; whatever the words hold, no error comes of them."""
    words = cleaned(words)
    best = ranked(words, mode=mode, filters=filters, tuning=tuning)
    return results(best[offset : min(offset + limit, DEEPEST)], words)


def ranked(words: str, *, mode: Mode, filters: Filters | None = None, tuning: Tuning = TUNING) -> list[Ranked]:
    """The order of documents alone; ``words`` are cleaned."""
    asked = filters or Filters()
    if not words:
        return []
    if mode == "text":
        return by_text(words, asked, tuning)[: tuning.depth]
    with by_meaning(words, asked, tuning) as meant:
        text = by_text(words, asked, tuning)[: tuning.depth] if mode == "hybrid" else []
        return fused(text, meant(), tuning)


def alike(external_id: str, *, filters: Filters | None = None, limit: int = 10) -> list[Result]:
    """Documents nearest in meaning to this one; LookupError when it is not in the index."""
    first = Chunk.objects.filter(document__external_id=external_id, document__deleted_at=None).order_by("ordinal")
    hashes = list(first.values_list("content_hash", flat=True)[:LIKE_CHUNKS])
    target = serving()
    vectors = list(kept(target.embedder, hashes).values()) if target else []
    if not target or not vectors:
        raise LookupError(f"{external_id} is not in the index.")
    middle = np.mean(np.array(vectors, np.float32), axis=0)
    found = nearest(target, middle / np.linalg.norm(middle), filters or Filters(), TUNING.depth)
    itself = set(Document.objects.filter(external_id=external_id).values_list("pk", flat=True))
    return results([item for item in found if item.document not in itself][:limit], "")


def unknown(filters: Filters) -> str:
    """What no document can meet, and what may have been meant; empty when all is well."""
    for name, field in (("source", "source_system"), ("kind", "kind")):
        value = getattr(filters, name)
        if value and not Document.objects.filter(**{field: value}).exists():
            return _said(name, value, Document.objects.values_list(field, flat=True).order_by(field).distinct())
    if filters.scope and not Scope.objects.filter(name__iexact=filters.scope).exists():
        return _said("scope", filters.scope, Scope.objects.values_list("name", flat=True))
    if filters.author and not Document.objects.filter(author__iexact=filters.author).exists():
        return _said("author", filters.author, Document.objects.values_list("author", flat=True).distinct()[:10_000])
    return ""


def _said(name: str, value: str, known: Sequence[str] | object) -> str:
    choices = {str(choice).lower(): str(choice) for choice in known if choice}  # pyright: ignore  # rows of one column
    near = get_close_matches(value.lower(), list(choices), n=3, cutoff=0.5)
    near = near or [choice for choice in choices if value.lower() in choice][:3]
    told = f" Did you mean {', '.join(choices[choice] for choice in near)}?" if near else ""
    few = f" There is {', '.join(list(choices.values())[:8])}." if not near and 0 < len(choices) <= 8 else ""
    return f"No {name} is called {value!r}.{told}{few}"
