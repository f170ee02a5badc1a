"""Filters in SQL, for the chunks that are in this database."""

from dataclasses import dataclass
from typing import Any

from core.search.filters import Filters

SCOPE = "d.scope_id IN (SELECT id FROM core_scope WHERE lower(name) = lower(%s))"
CONDITIONS = {
    "source": "d.source_system = %s",
    "kind": "d.kind = %s",
    "scope": SCOPE,
    "author": "lower(d.author) = lower(%s)",
    "since": "d.occurred_at >= %s",
    "until": "d.occurred_at < %s",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """``join`` and ``where`` follow ``FROM core_chunk c``; ``where`` begins with AND, or is empty."""

    join: str
    where: str
    parameters: list[Any]


def conditions(filters: Filters) -> Conditions:
    """Documents are joined only where something is asked of them: a scan of all chunks is cheaper without."""
    asked = filters.asked()
    return Conditions(
        join="JOIN core_document d ON d.id = c.document_id" if asked else "",
        where="".join(f" AND {CONDITIONS[name]}" for name in asked),
        parameters=list(asked.values()),
    )
