"""The number of documents that a query ranked, by source, kind of document and year."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from core.search.filters import WHEN
from core.search.query.fusion import Ranked

COUNT = f"""
    SELECT d.source_system, d.kind, extract(year FROM {WHEN} AT TIME ZONE 'UTC')::int, count(*)
    FROM core_chunk c JOIN core_document d ON d.id = c.document_id
    WHERE c.id = ANY(%s) AND d.deleted_at IS NULL GROUP BY 1, 2, 3
"""  # noqa: S608  (the parts are constants)
REST = "SELECT count(*) FROM (SELECT 1 FROM core_chunk WHERE document_id = ANY(%s) LIMIT %s) c"


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """Numbers of documents, the largest number first, and years with the newest first.

    ``is_cut`` is true if more documents may match, because each ranking has a maximum length.
    """

    total: int = 0
    is_cut: bool = False
    sources: tuple[tuple[str, int], ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    years: tuple[tuple[int, int], ...] = ()


NO_DOCUMENTS = Distribution()


def distribution(ranking: Sequence[Ranked], *, is_cut: bool) -> Distribution:
    """Return the numbers of a ranking."""
    if not ranking:
        return NO_DOCUMENTS
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [[item.chunk for item in ranking]])
        rows = cursor.fetchall()
    sources, kinds, years = Counter[str](), Counter[str](), Counter[int]()
    for source, kind, year, number in rows:
        sources[source] += number
        kinds[kind] += number
        if year is not None:
            years[year] += number
    return Distribution(
        total=sources.total(), is_cut=is_cut, sources=_largest_first(sources), kinds=_largest_first(kinds),
        years=tuple(sorted(years.items(), reverse=True)),
    )  # fmt: skip


def may_be_cut(ranking: Sequence[Ranked], depth: int, chunks: int) -> bool:
    """Return whether a ranking may lack documents: it has ``depth`` documents, or its documents have ``chunks`` chunks.

    A ranking by meaning has the nearest ``depth`` chunks, so it is complete if its documents have fewer chunks.
    """
    if not ranking or len(ranking) >= depth:
        return bool(ranking)
    with connection.cursor() as cursor:
        cursor.execute(REST, [[item.document for item in ranking], chunks])
        return cursor.fetchone()[0] >= chunks


def _largest_first(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
