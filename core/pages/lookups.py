"""Filters in the address of a list, and rows that a form names: only what the database can compare is passed on."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.dateparse import parse_date

from core.pages.parameters import LONGEST_QUERY, free_text, moment

LOOKUPS = frozenset({
    "exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "in", "gt", "gte",
    "lt", "lte", "isnull", "isempty", "named",
})  # fmt: skip
"""``isempty`` and ``named`` are those of filters. Others, such as ``regex`` and ``year``, fail when they are run."""
COMPARABLE = (
    models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.FloatField, models.DateField,
)  # fmt: skip
"""Fields with their subclasses; vectors, JSON and search words are not compared with what an address holds."""


class CheckedLookups(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """A list whose parameters are checked before a statement is made of them."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Return whether a filter may be used; Django answers 400 where not."""
        allowed = super().lookup_allowed(lookup, value, request)  # pyright: ignore[reportDeprecated]  # as Django's own is
        return allowed and is_comparable(self.model, lookup, value)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Search as Django does, for at most ``LONGEST_QUERY`` characters."""
        return super().get_search_results(request, queryset, free_text(search_term, LONGEST_QUERY))

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Act on the rows that are named by a key. Raises DisallowedModelAdminLookup (400) for anything else."""
        for value in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not is_comparable(self.model, "pk", value):
                raise DisallowedModelAdminLookup("A selected row has no such key")
        return super().response_action(request, queryset)


def is_comparable(model: type[models.Model], lookup: str, value: Any) -> bool:
    """Return whether a parameter such as ``created_at__gte`` can be compared with a text from an address.

    Names that are no field of the model belong to filters, which read their values themselves.
    """
    field, rest = _field(model, lookup.split("__"))
    if field is None:
        return True
    if len(rest) > 1 or (rest and rest[0] not in LOOKUPS):
        return False
    if rest in (["isnull"], ["isempty"], ["named"]) or value in ("", None):
        return True
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    values = str(value).split(",") if rest == ["in"] else [str(value)]
    return isinstance(field, COMPARABLE) and all(_is_value(field, rest, one) for one in values)


def _field(model: type[models.Model], parts: list[str]) -> tuple[Any, list[str]]:
    """Return the field that a path ends at, and what follows it; ``None`` for what begins with no field."""
    field: Any = None
    while parts:
        try:
            found: Any = model._meta.pk if parts[0] == "pk" else model._meta.get_field(parts[0])
        except FieldDoesNotExist:
            break
        field, parts = found, parts[1:]
        if not found.is_relation:
            break
        model = found.related_model
    return field, parts


def _is_value(field: Any, rest: list[str], text: str) -> bool:
    if isinstance(field, models.CharField | models.TextField):
        return free_text(text, len(text)) == text
    if isinstance(field, models.DateTimeField):
        return moment(text) is not None or _is_day(text)
    if isinstance(field, models.DateField):
        return _is_day(text)
    if rest and rest[0] in {"contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact"}:
        return True  # compared as texts
    try:
        field.to_python(text)
    except (ValidationError, ValueError):
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:
        return False
