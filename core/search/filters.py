"""Filters of a search, and their conditions in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Properties that a result must have. ``None`` means any value. Times have a time zone. ``until`` is exclusive."""

    source: str | None = None
    kind: str | None = None
    scope: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self) -> Mapping[str, str | datetime]:
        """Return the filters that are set, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


NO_FILTERS = Filters()


def like(name: str) -> str:
    """Return a pattern for ILIKE that matches only this name, in upper or lower case."""
    return name.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


CONDITIONS = {
    "source": "d.source_system = %s",
    "kind": "d.kind = %s",
    "scope": "d.scope_id IN (SELECT id FROM core_scope WHERE lower(name) = lower(%s))",
    "author": "lower(d.author) = lower(%s)",
    "since": "d.occurred_at >= %s",
    "until": "d.occurred_at < %s",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkConditions:
    """SQL that follows ``FROM core_chunk c``, and its parameters. ``where`` begins with AND or is empty."""

    join: str = ""
    where: str = ""
    parameters: list[Any]


def chunk_conditions(filters: Filters) -> ChunkConditions:
    """Return the conditions for chunks. Documents are joined only for a filter, because a plain scan is faster."""
    values = filters.values()
    return ChunkConditions(
        join="JOIN core_document d ON d.id = c.document_id" if values else "",
        where="".join(f" AND {CONDITIONS[name]}" for name in values),
        parameters=list(values.values()),
    )
