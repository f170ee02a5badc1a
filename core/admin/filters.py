"""Filters beside lists that cost the same for a million rows, or thousands of repositories, as for ten."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.filters import AllValuesFieldListFilter, FieldListFilter
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from core.admin.paging import LARGE, estimated_rows
from core.db.distinct import MOST, different_values, usual_values
from core.pages.labels import source_names, type_name
from core.pages.parameters import LONGEST_QUERY, free_text

MOST_NAMED = 100


class ValuesFilter(AllValuesFieldListFilter):
    """The values that there are, found without reading the table; none of a column of many."""

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], model: type[models.Model], model_admin: Any,
        field_path: str,
    ) -> None:  # fmt: skip
        super().__init__(field, request, params, model, model_admin, field_path)
        if "__" in field_path:
            return
        if leads_an_index(model, field):
            self.lookup_choices = cast("Any", different_values(model, field.name))
        elif estimated_rows(model) > LARGE:
            self.lookup_choices = cast("Any", usual_values(model, field.name))

    def has_output(self) -> bool:
        """Django would count the rows of its query; the values are at hand."""
        return 0 < len(list(self.lookup_choices[: MOST + 1])) <= MOST


class TypesFilter(ValuesFilter):
    """Activity types under the names that pages use: ``Discord: message`` for ``discord.default``."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Name each type; the other choices stay."""
        names = source_names()
        for choice in super().choices(changelist):
            value = str(choice["display"])
            source = value.partition(".")[0]
            name = f"{names[source]}: {type_name(value)}" if source in names else choice["display"]
            yield {**choice, "display": name}


def leads_an_index(model: type[models.Model], field: Any) -> bool:
    """Whether an index begins with this column."""
    if field.db_index or field.unique:
        return True
    indexes = [index.fields_orders[0][0] for index in model._meta.indexes if index.fields and not index.condition]
    constraints = [c.fields[0] for c in model._meta.constraints if isinstance(c, models.UniqueConstraint) and c.fields]
    return field.name in {*indexes, *constraints}


class NameFilter(FieldListFilter):
    """What a row belongs to, by a part of its name: a list of thousands would be no help."""

    template = "admin/name_filter.html"

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], model: type[models.Model], model_admin: Any,
        field_path: str,
    ) -> None:  # fmt: skip
        self.parameter = f"{field_path}__named"
        self.related: type[models.Model] = field.related_model
        super().__init__(field, request, params, model, model_admin, field_path)
        values = cast("list[str]", self.used_parameters.get(self.parameter) or [""])
        self.value = free_text(values[-1], LONGEST_QUERY).strip()

    def expected_parameters(self) -> list[str | None]:
        """One."""
        return [self.parameter]

    def has_output(self) -> bool:
        """Always: it asks for a word."""
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """What the form sends along."""
        others = [(k, v) for k, values in changelist.filter_params.items() if k != self.parameter for v in values]
        yield {"others": others, "value": self.value, "parameter": self.parameter}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of those of exactly this name, else of those whose name holds it."""
        if not self.value:
            return queryset
        name = str(cast("Any", admin.site.get_model_admin(self.related)).search_fields[0]).lstrip("=^@")
        those = self.related._default_manager.order_by()
        found = list(those.filter(Q(**{f"{name}__iexact": self.value})).values_list("pk", flat=True)[:MOST_NAMED])
        found = found or list(
            those.filter(**{f"{name}__icontains": self.value}).values_list("pk", flat=True)[:MOST_NAMED]
        )
        return queryset.filter(**{f"{self.field_path}__in": found})


class ClearedFilter(admin.SimpleListFilter):
    """Whether a skipped item could be read after all."""

    title = "cleared"
    parameter_name = "cleared"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Two."""
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that are, or are not."""
        return queryset if self.value() is None else queryset.filter(cleared_at__isnull=self.value() == "no")


def cheap_filter(model: type[models.Model], name: Any) -> Any:
    """A plain name in ``list_filter`` with the filter that serves it at any size."""
    if not isinstance(name, str) or "__" in name:
        return name
    field = cast("Any", model._meta.get_field(name))
    if field.is_relation:
        return (name, NameFilter)
    return (
        (name, ValuesFilter) if isinstance(field, models.CharField | models.TextField) and not field.choices else name
    )
