"""What the search box above a list finds, in ways that indexes can answer."""

from typing import Any

from django.db.models import Q, QuerySet

from core.models import Activity
from core.pages.parameters import LONGEST_QUERY, free_text, row_id
from core.pages.timeline_filters import with_words

MOST_RELATED = 200
LOOKUPS = {"=": "iexact", "^": "istartswith"}


def found_by(rows: QuerySet[Any], fields: Any, words: str) -> QuerySet[Any]:
    """Rows that hold every word in one of the fields, written as Django's ``search_fields`` are."""
    for word in free_text(words, LONGEST_QUERY).split()[:8]:
        either = Q()
        for field in fields:
            either |= _holds(rows.model, str(field), word)
        rows = rows.filter(either)
    return rows


def _holds(model: Any, field: str, word: str) -> Q:
    """One field holds one word. Numbers are compared as numbers, related rows are found by their own names first."""
    lookup = LOOKUPS.get(field[0], "icontains")
    path, _, last = field.lstrip("=^@").rpartition("__")
    if last == "startswith":
        return Q(**{f"{path}__startswith": word})
    if path:
        related = model._meta.get_field(path).related_model
        return Q(**{f"{path}__in": list(_named(related, f"{last}__{lookup}", word))})
    kind = model._meta.get_field(last).get_internal_type()
    if kind.endswith(("IntegerField", "AutoField")):
        number = row_id(word)
        return Q(**{last: number}) if number is not None else Q(pk__in=[])
    return Q(**{f"{last}__{lookup}": word})


def _named(related: Any, lookup: str, word: str) -> QuerySet[Any]:
    return related._default_manager.filter(**{lookup: word}).order_by().values_list("pk", flat=True)[:MOST_RELATED]


def in_timeline(rows: QuerySet[Activity], words: str) -> QuerySet[Activity]:
    """By a whole external id, a whole name, or all the words of the line."""
    asked = free_text(words, LONGEST_QUERY).strip()
    if not asked:
        return rows
    if ":" in asked and " " not in asked:
        return rows.filter(external_id=asked)
    return with_words(rows, asked)
