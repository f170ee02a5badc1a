"""Messages about filters: a value that nothing in the index has, with similar values, or a phrase of common words."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from django.db import connection
from django.db.models import Exists, OuterRef

from core.db.distinct import different_values, usual_values
from core.models import Chunk, Document, Scope
from core.search.filters import (
    MOST_PHRASE_CANDIDATES,
    Filters,
    Requirement,
    chunk_conditions,
    has_words,
    kind_variants,
    scope_condition,
)

MOST_CHOICES = 10_000
"""Maximum number of known values that are compared with an unknown value."""


def unmatched_filter(filters: Filters) -> str:
    """Return a message about the first filter with an unknown value, or an empty text if all values are known.

    Checks the source, kind, repository or channel, author, label and type. The message suggests similar values.
    """
    for requirement in filters.all_requirements():
        if not requirement.excluded and (message := _unmatched(requirement)):
            return message
    return ""


def common_phrases(filters: Filters) -> list[str]:
    """Return a message about each phrase whose words are in more chunks than a search compares with the phrase."""
    phrases = filters.values_of("phrase")
    if not phrases:
        return []
    conditions = [has_words(phrase) for phrase in phrases]
    limit = MOST_PHRASE_CANDIDATES + 1
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM core_chunk x WHERE {sql} ORDER BY x.id DESC LIMIT {limit}) p)"  # noqa: S608  (constants)
        for sql, _ in conditions
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, values in conditions for value in values])
        numbers: tuple[int, ...] = cursor.fetchone()
    return [
        f'The words of "{phrase}" are in more than {MOST_PHRASE_CANDIDATES:,} passages, and not all of them were '
        "compared with the phrase. Add a rarer word to the phrase."
        for phrase, number in zip(phrases, numbers, strict=True)
        if number > MOST_PHRASE_CANDIDATES
    ]


def _unmatched(requirement: Requirement) -> str:
    name, value = requirement.name, requirement.values[0]
    if len(requirement.values) > 1 or name not in {"source", "kind", "type", "scope", "author", "label"}:
        return ""
    if name == "source":
        if _has_documents(value):
            return ""
        return _suggestion(name, value, filter(_has_documents, different_values(Scope, "source_system")))
    if name == "scope":
        names = Scope.objects.values_list("name", flat=True)[:MOST_CHOICES]
        return "" if _scope_exists(value) else _suggestion("scope", value, names)
    if name in {"kind", "type"}:
        kinds = Document.objects.order_by("kind").values_list("kind", flat=True).distinct()
        if name == "kind":
            return "" if value in kinds else _suggestion(name, value, kinds)
        both = [*kinds, *usual_values(Chunk, "kind")]
        exists = not set(kind_variants([value])).isdisjoint(both) or _chunk_exists(requirement)
        return "" if exists else _suggestion(name, value, both)
    if name == "author":
        return "" if _author_exists(value) else _suggestion(name, value, _authors())
    return "" if _chunk_exists(requirement) else _suggestion(name, value, _labels())


def _has_documents(source: str) -> bool:
    """Return whether a source has documents. The query uses the indexes of scopes and of the documents of a scope."""
    documents = Document.objects.filter(scope=OuterRef("pk"))
    return Scope.objects.filter(Exists(documents), source_system=source).exists()


def _scope_exists(value: str) -> bool:
    with connection.cursor() as cursor:
        condition, parameters = scope_condition([value])
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM core_scope WHERE {condition})", parameters)  # noqa: S608  (constants)
        return bool(cursor.fetchone()[0])


def _author_exists(value: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM core_document WHERE lower(author) = lower(%s))"
            " OR EXISTS (SELECT 1 FROM core_chunk WHERE lower(author) = lower(%s))",
            [value, value],
        )
        return bool(cursor.fetchone()[0])


def _chunk_exists(requirement: Requirement) -> bool:
    conditions = chunk_conditions(Filters(requirements=(requirement,)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM core_chunk c {conditions.join} WHERE TRUE {conditions.where})",  # noqa: S608  (constants)
            conditions.parameters,
        )
        return bool(cursor.fetchone()[0])


def _authors() -> Sequence[str]:
    """Return authors of documents, and of passages in a part of the chunks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "(SELECT DISTINCT author FROM core_document LIMIT %s) UNION"
            " (SELECT DISTINCT author FROM (SELECT author FROM core_chunk LIMIT %s) c LIMIT %s)",
            [MOST_CHOICES, 10 * MOST_CHOICES, MOST_CHOICES],
        )
        return sorted(row[0] for row in cursor.fetchall())


def _labels() -> Sequence[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT unnest(labels) FROM core_document LIMIT %s", [MOST_CHOICES])
        return sorted(row[0] for row in cursor.fetchall())


def _suggestion(name: str, value: str, known: Iterable[object]) -> str:
    choices = {str(choice).lower(): str(choice) for choice in known if choice}
    similar = get_close_matches(value.lower(), list(choices), n=3, cutoff=0.5)
    similar = similar or [choice for choice in choices if value.lower() in choice][:3]
    question = f" Did you mean {', '.join(choices[choice] for choice in similar)}?" if similar else ""
    all_values = f" Choices: {', '.join(list(choices.values())[:8])}." if not similar and 0 < len(choices) <= 8 else ""
    return f"No {name} is called {value!r}.{question}{all_values}"
