"""Checks the filters in the URL of a list, and the keys of selected rows, before the database compares them."""

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
"""Allowed lookups: lookups of Django, and ``isempty`` and ``named``, which filters of this project define.

Other lookups, such as ``regex``, raise database errors for some values.
"""
COMPARABLE = (
    models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.FloatField, models.DateField,
)  # fmt: skip
"""Classes of fields that can be compared with a parameter. Vectors, JSON and search vectors cannot."""


class CheckedLookups(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """A model admin that checks the parameters of its list before it queries the database."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Return whether a filter is allowed. Django answers other filters with status 400."""
        allowed = super().lookup_allowed(lookup, value, request)  # pyright: ignore[reportDeprecated]  # as Django's own is
        return allowed and is_comparable(self.model, lookup, value)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return Django's search results for the first ``LONGEST_QUERY`` characters of the search term."""
        return super().get_search_results(request, queryset, free_text(search_term, LONGEST_QUERY))

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Run an action on the selected rows. Raises DisallowedModelAdminLookup (400) for an invalid key."""
        for value in request.POST.getlist(ACTION_CHECKBOX_NAME):
            if not is_comparable(self.model, "pk", value):
                raise DisallowedModelAdminLookup("The key of a selected row is invalid")
        return super().response_action(request, queryset)


def is_comparable(model: type[models.Model], lookup: str, value: Any) -> bool:
    """Return whether a query parameter, such as ``created_at__gte``, can be compared with its value.

    A name that is not a field of the model belongs to a filter, and the filter checks its values.
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
    """Return the last field of a lookup path, and the parts after the field.

    The field is ``None`` if the path does not begin with a field.
    """
    field: Any = None
    while parts:
        try:
            next_field: Any = model._meta.pk if parts[0] == "pk" else model._meta.get_field(parts[0])
        except FieldDoesNotExist:
            break
        field, parts = next_field, parts[1:]
        if not next_field.is_relation:
            break
        model = next_field.related_model
    return field, parts


def _is_value(field: Any, rest: list[str], text: str) -> bool:
    if isinstance(field, models.CharField | models.TextField):
        return free_text(text, len(text)) == text
    if isinstance(field, models.DateTimeField):
        return moment(text) is not None or _is_day(text)
    if isinstance(field, models.DateField):
        return _is_day(text)
    if rest and rest[0] in {"contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact"}:
        return True  # PostgreSQL compares the field as a text, so every value is valid
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
