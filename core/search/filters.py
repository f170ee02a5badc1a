"""Filters of a search, and their conditions in SQL."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from core.search.phrases import candidate_terms, pattern

Name = Literal["source", "kind", "type", "scope", "author", "label", "state", "answered", "is", "phrase", "word"]
"""Names of requirements. ``kind`` is the kind of the document, and ``type`` is that of the document or the passage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """Values of one property. A result must have one of them, or none of them if they are ``excluded``."""

    name: Name
    values: tuple[str, ...]
    excluded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Properties that a result must have. ``None`` means any value. Times have a time zone. ``until`` is exclusive.

    ``requirements`` are the operators of a query.
    """

    source: str | None = None
    kind: str | None = None
    scope: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    requirements: tuple[Requirement, ...] = ()

    def all_requirements(self) -> list[Requirement]:
        """Return the requirements, including those of the fields."""
        values: list[tuple[Name, str | None]]
        values = [("source", self.source), ("kind", self.kind), ("scope", self.scope), ("author", self.author)]
        own = [Requirement(name=name, values=(value,)) for name, value in values if value is not None]
        return [*own, *self.requirements]

    def values_of(self, name: Name) -> list[str]:
        """Return all required values with a name. Excluded values are left out."""
        required = [item for item in self.all_requirements() if item.name == name and not item.excluded]
        return [value for requirement in required for value in requirement.values]

    def without_excluded_texts(self) -> "Filters":
        """Return the filters without excluded words and phrases, which are slow to check for all chunks of an index."""
        requirements = [item for item in self.requirements if not (item.excluded and item.name in {"word", "phrase"})]
        return replace(self, requirements=tuple(requirements))


NO_FILTERS = Filters()


def both(first: Filters, second: Filters) -> Filters:
    """Return filters that match what both filters match."""
    since = [moment for moment in (first.since, second.since) if moment is not None]
    until = [moment for moment in (first.until, second.until) if moment is not None]
    return replace(
        first, since=max(since, default=None), until=min(until, default=None),
        requirements=(*first.requirements, *second.all_requirements()),
    )  # fmt: skip


MOST_PHRASE_CANDIDATES = 10_000
"""Maximum number of chunks with the words of a phrase that are compared with the phrase, newest first. A scan of the
newest chunks is fast for common words, and the index of words is fast for rare words."""
Sql = tuple[str, list[Any]]
"""A condition and its parameters."""


def any_case(values: Sequence[str]) -> str:
    """Return an SQL array of the values in lower case, with a placeholder for each value."""
    return f"ARRAY[{', '.join(['lower(%s)'] * len(values))}]"


def scope_condition(values: Sequence[str]) -> Sql:
    """Return a condition for scopes with one of these names (``owner/name``), with or without the first part."""
    names = any_case(values)
    sql = f"(lower(name) = ANY({names}) OR lower(substr(name, strpos(name, '/') + 1)) = ANY({names}))"
    return sql, [*values, *values]


def _scope(values: Sequence[str]) -> Sql:
    sql, parameters = scope_condition(values)
    return f"d.scope_id IN (SELECT id FROM core_scope WHERE {sql})", parameters  # noqa: S608  (constants)


def _author(values: Sequence[str]) -> Sql:
    names = any_case(values)
    return f"(lower(c.author) = ANY({names}) OR lower(d.author) = ANY({names}))", [*values, *values]


def kind_variants(values: Sequence[str]) -> list[str]:
    """Return the spellings of kinds that trackers use: with a space, an underscore or a hyphen, and in the singular."""
    singular = {kind.removesuffix("s") for kind in values} | set(values)
    return sorted({kind.replace("_", separator) for kind in singular for separator in "_ -"})


def _type(values: Sequence[str]) -> Sql:
    kinds = kind_variants(values)
    return "(d.kind = ANY(%s) OR c.kind = ANY(%s))", [kinds, kinds]


def _label(values: Sequence[str]) -> Sql:
    return f"EXISTS (SELECT 1 FROM unnest(d.labels) l WHERE lower(l) = ANY({any_case(values)}))", list(values)  # noqa: S608  (constants)


def any_state(values: Sequence[str]) -> list[str]:
    """Return the states that match. A merged pull request is closed too."""
    return [*values, "merged"] if "closed" in values else list(values)


def _state(values: Sequence[str]) -> Sql:
    return "d.state = ANY(%s)", [any_state(values)]


def _answered(values: Sequence[str]) -> Sql:
    return "d.answered = ANY(%s::boolean[])", [[value == "answered" for value in values]]


def has_words(phrase: str) -> Sql:
    """Return a condition for chunks ``x`` that contain all words of a phrase.

    Each word is in one of the two vectors: words that equal their stem may only be in ``tsv``.
    """
    terms = candidate_terms(phrase)
    sql = " AND ".join(["(x.tsv_simple @@ %s::tsquery OR x.tsv @@ %s::tsquery)"] * len(terms))
    return sql or "FALSE", [term for term in terms for _ in range(2)]


def _phrase(values: Sequence[str]) -> Sql:
    """Return a condition for documents with one of these phrases in the title or in a passage."""
    selects: list[str] = []
    parameters: list[Any] = []
    for phrase in values:
        candidates, terms = has_words(phrase)
        selects.append(
            f"SELECT p.document_id FROM (SELECT document_id, text FROM core_chunk x WHERE {candidates}"  # noqa: S608  (constants)
            f" ORDER BY x.id DESC LIMIT {MOST_PHRASE_CANDIDATES}) p WHERE p.text ~* %s"
        )
        selects.append("SELECT id FROM core_document WHERE title_tsv @@ plainto_tsquery('simple', %s) AND title ~* %s")
        parameters += [*terms, pattern(phrase), phrase, pattern(phrase)]
    return f"d.id IN ({' UNION ALL '.join(selects)})", parameters


def _not_phrase(values: Sequence[str]) -> Sql:
    """Return a condition that is true for documents with a phrase or a whole word, exactly as it is written.

    It is evaluated for one document at a time.
    """
    parts = [has_words(phrase) for phrase in values]
    in_text = " OR ".join(f"({sql} AND x.text ~* %s)" for sql, _ in parts)
    in_title = " OR ".join(["d.title ~* %s"] * len(values))
    texts = [value for (_, terms), phrase in zip(parts, values, strict=True) for value in (*terms, pattern(phrase))]
    sql = f"(EXISTS (SELECT 1 FROM core_chunk x WHERE x.document_id = d.id AND ({in_text})) OR {in_title})"  # noqa: S608  (constants)
    return sql, [*texts, *map(pattern, values)]


def _equal(column: str) -> Callable[[Sequence[str]], Sql]:
    return lambda values: (f"{column} = ANY(%s)", [list(values)])


CONDITIONS: dict[Name, Callable[[Sequence[str]], Sql]] = {
    "source": _equal("d.source_system"),
    "kind": _equal("d.kind"),
    "type": _type,
    "scope": _scope,
    "author": _author,
    "label": _label,
    "state": _state,
    "answered": _answered,
    "phrase": _phrase,
    "word": _not_phrase,
}
"""Conditions of one document ``d`` and one of its chunks ``c``, by the name of the requirement."""
CHUNK_COLUMN = re.compile(r"\bc\.")
WHEN = "coalesce(c.occurred_at, d.occurred_at)"
"""Time of a passage, or of its document if the time of the passage is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkConditions:
    """SQL that follows ``FROM core_chunk c``, and its parameters. ``where`` begins with AND or is empty.

    ``uses_chunk`` is true if ``where`` refers to columns of the chunk, and false if it only refers to the document.
    """

    join: str = ""
    where: str = ""
    parameters: list[Any]
    uses_chunk: bool = False


def chunk_conditions(filters: Filters) -> ChunkConditions:
    """Return the conditions for chunks. Documents are joined only for a filter, because a plain scan is faster."""
    conditions = [_condition(requirement) for requirement in filters.all_requirements()]
    for operator, moment in ((">=", filters.since), ("<", filters.until)):
        if moment is not None:
            conditions.append((f"{WHEN} {operator} %s", [moment]))
    return ChunkConditions(
        join="JOIN core_document d ON d.id = c.document_id" if conditions else "",
        where="".join(f" AND {sql}" for sql, _ in conditions),
        parameters=[value for _, values in conditions for value in values],
        uses_chunk=any(CHUNK_COLUMN.search(sql) for sql, _ in conditions),
    )


def _condition(requirement: Requirement) -> Sql:
    if requirement.excluded and requirement.name == "phrase":
        sql, parameters = _not_phrase(requirement.values)
    else:
        sql, parameters = CONDITIONS[requirement.name](requirement.values)
    return (f"({sql}) IS NOT TRUE", parameters) if requirement.excluded else (sql, parameters)
