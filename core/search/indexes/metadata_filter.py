"""Filters for an index that compares metadata, such as Pinecone, and the check of everything that it cannot compare."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from core.search.documents import possible_keys
from core.search.filters import Filters, Requirement, any_state, chunk_conditions, kind_variants, scope_condition
from core.search.indexes.base import Match, parts_of

MOST_SCOPES = 1000
"""Maximum number of repositories and channels with the same name in a filter."""
DEEPER = 10
"""Factor by which more chunks are requested from an index if ``keep_matching`` must check some of the filters."""
NOT_IN_METADATA = ("phrase", "word")


def metadata_filter(filters: Filters) -> dict[str, Any] | None:
    """Return the filter of a query, empty for all chunks, or ``None`` if no chunk can match.

    Phrases and excluded values are left out. ``keep_matching`` checks them.
    https://docs.pinecone.io/guides/search/filter-by-metadata
    """
    clauses: list[dict[str, Any]] = []
    for requirement in filters.all_requirements():
        if _is_compared(requirement):
            clause = _clause(requirement)
            if clause is None:
                return None
            clauses.append(clause)
    for operator, moment in (("$gte", filters.since), ("$lt", filters.until)):
        if moment is not None:
            clauses.append(_when(operator, moment))
    return {"$and": clauses} if len(clauses) > 1 else clauses[0] if clauses else {}


def is_complete(filters: Filters) -> bool:
    """Return whether ``metadata_filter`` contains all filters."""
    return all(_is_compared(requirement) for requirement in filters.all_requirements())


def keep_matching(matches: Sequence[Match], filters: Filters) -> list[Match]:
    """Return the matches whose chunks in the database match the filters, in the same order."""
    parts = {part: match.vector_id for match in matches if (part := parts_of(match.vector_id))}
    conditions = chunk_conditions(filters)
    names, ordinals = [name for name, _ in parts], [ordinal for _, ordinal in parts]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.external_id, c.ordinal FROM core_document d JOIN core_chunk c ON c.document_id = d.id"  # noqa: S608  (constants)
            " JOIN unnest(%s::text[], %s::int[]) AS g (name, place) ON (g.name, g.place) = (d.external_id, c.ordinal)"
            f" WHERE d.key = ANY(%s) {conditions.where}",
            [names, ordinals, possible_keys(names), *conditions.parameters],
        )
        kept = {parts[name, ordinal] for name, ordinal in cursor.fetchall()}
    return [match for match in matches if match.vector_id in kept]


def _is_compared(requirement: Requirement) -> bool:
    return not requirement.excluded and requirement.name not in NOT_IN_METADATA


def _clause(requirement: Requirement) -> dict[str, Any] | None:
    """Return the clause of a requirement, or ``None`` if no chunk can match."""
    name, values = requirement.name, list(requirement.values)
    if name == "scope":
        # Compare ids, because names in the index change some time after a scope is renamed.
        scopes = _scope_ids(values)
        return {"container_key": {"$in": scopes}} if scopes else None
    if name == "type":
        kinds = kind_variants(values)
        return {"$or": [{"document_kind": {"$in": kinds}}, {"kind": {"$in": kinds}}]}
    lower = [value.lower() for value in values]
    if name == "author":
        return {"$or": [{"author_key": {"$in": lower}}, {"document_author_key": {"$in": lower}}]}
    if name == "answered":
        answers = [{"answered": {"$eq": value == "answered"}} for value in values]
        return {"$or": answers} if len(answers) > 1 else answers[0]
    if name == "label":
        return {"labels_key": {"$in": lower}}
    if name == "state":
        return {"state": {"$in": any_state(values)}}
    return {{"source": "source", "kind": "document_kind"}[name]: {"$in": values}}


def _when(operator: str, moment: datetime) -> dict[str, Any]:
    """Return the clause for the time of the passage, or of its document if the time of the passage is unknown."""
    seconds = moment.timestamp()
    of_document = {"$and": [{"occurred_at": {"$exists": False}}, {"document_occurred_at": {operator: seconds}}]}
    return {"$or": [{"occurred_at": {operator: seconds}}, of_document]}


def _scope_ids(names: Sequence[str]) -> list[str]:
    condition, parameters = scope_condition(names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT external_id FROM core_scope WHERE {condition} ORDER BY id LIMIT %s",  # noqa: S608  (constants)
            [*parameters, MOST_SCOPES],
        )
        return [row[0] for row in cursor.fetchall()]
