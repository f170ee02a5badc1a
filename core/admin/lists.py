"""Filters, search and pagination for lists. They stay fast for tables with millions of rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.filters import AllValuesFieldListFilter, FieldListFilter
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html

from core.db.distinct import MOST, different_values, usual_values
from core.models import Activity, Scope
from core.operations.markdown import title_text
from core.operations.visible import visible_line
from core.pages.labels import source_names, type_name
from core.pages.parameters import LONGEST_QUERY, free_text, row_id
from core.timeline import of_source, of_type, stored_types, with_id, with_words

LARGE = 50_000
"""Maximum number of rows that a list counts exactly, because an exact count of a million rows takes seconds.

A list with more rows shows an estimate, and only its first ``REACH`` rows can be paged through.
"""
REACH = 10_000
"""Maximum number of rows of a large list that can be paged through.

To show a later page, the database would have to read all rows before it.
"""


def estimated_rows(model: type[models.Model]) -> int:
    """Return an estimate of the number of rows of a table, from the planner's statistics."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return max(0, int(cursor.fetchone()[0]))


class EstimatingPaginator(Paginator):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """A paginator that counts up to ``LARGE`` rows exactly. For larger lists, it uses the planner's estimate."""

    is_estimate = False
    reach = REACH

    @cached_property
    def count(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # Django's attribute is a cached property too
        """Return the number of rows of the list, exact or estimated."""
        rows = cast("Any", self.object_list)
        if not rows.query.where and (whole := estimated_rows(rows.model)) > LARGE:
            self.is_estimate = True
            return whole
        exact = int(rows.order_by()[: LARGE + 1].count())
        if exact <= LARGE:
            return exact
        self.is_estimate = True
        planned = re.search(r"rows=(\d+)", rows.order_by().explain())
        return max(exact, int(planned[1]) if planned else 0)

    @property
    def is_cut(self) -> bool:
        """Return whether only the first ``REACH`` rows can be paged through."""
        return self.count > LARGE

    @cached_property
    def num_pages(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # Django's attribute is a cached property too
        """Return the number of pages that can be opened."""
        return -(-REACH // self.per_page) if self.is_cut else max(1, -(-self.count // self.per_page))


SHORT_HASH = 10
"""Number of hexadecimal digits of an abbreviated hash. Ten digits are enough to distinguish the rows of a list."""


def short_hash(field: str, label: str) -> Any:
    """Return a list column that shows the first digits of a hash."""

    @admin.display(description=label, ordering=field, empty_value="-")
    def column(row: Any) -> str:
        return str(getattr(row, field))[:SHORT_HASH]

    column.__name__ = field
    return column


@admin.display(ordering="title")
def title(row: Any) -> str:
    """Return the title of a row for a list column, without the backticks around code."""
    return visible_line(title_text(row.title)) or "-"


class ListedTexts:
    """Mixin that adds the column ``text_start`` to a list. List it before the admin class.

    The texts of a page are prepared together, so that the number of queries does not depend on the number of rows.
    """

    def listed_texts(self, rows: Sequence[Any]) -> Mapping[Any, str]:
        """Return the beginning of each row's text by primary key, with names instead of mentions and without markup.

        Subclasses implement this method.
        """
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return Django's changelist. Each row has its text in ``listed_text``."""
        base: Any = super()
        changelist = base.get_changelist_instance(request)
        rows = list(changelist.result_list)
        texts = self.listed_texts(rows)
        for row in rows:
            row.listed_text = texts.get(row.pk, "")
        changelist.result_list = rows
        return changelist

    @admin.display(description="text")
    def text_start(self, row: Any) -> Any:
        """Return the beginning of a row's text as one line, or a dash if the row has no text."""
        return format_html("<bdi>{}</bdi>", visible_line(row.listed_text)) if row.listed_text else "-"


MAX_RELATED = 200
"""Maximum number of related rows that one search word selects, so that the ``IN`` list of the query stays short."""
LOOKUPS = {"=": "iexact", "^": "istartswith"}


def search_rows(rows: QuerySet[Any], fields: Any, words: str) -> QuerySet[Any]:
    """Return the rows in which each of the first eight words matches at least one field.

    ``fields`` has the format of Django's ``search_fields``.
    """
    for word in free_text(words, LONGEST_QUERY).split()[:8]:
        rows = rows.filter(any_field(rows.model, fields, word))
    return rows


def any_field(model: Any, fields: Any, word: str) -> Q:
    """Return the condition that a word matches at least one field. ``fields`` has the format of ``search_fields``."""
    either = Q()
    for field in fields:
        either |= _contains(model, str(field), word)
    return either


def search_hashes(rows: QuerySet[Any], fields: Any, words: str) -> QuerySet[Any]:
    """Return the rows with this hash of a text, with or without hyphens. All rows are returned for an empty text."""
    del fields
    if not words.strip():
        return rows
    try:
        return rows.filter(text_hash=UUID(words.strip()))
    except ValueError:
        return rows.none()


def _contains(model: Any, field: str, word: str) -> Q:
    """Return the condition for one search word in one field.

    A field matches if it contains the word. As in Django's ``search_fields``, the prefix ``=`` requires an equal value,
    and ``^`` requires a value that begins with the word. A numeric field must be equal to the word. Related rows are
    looked up in a separate query, which can use an index of their table.
    """
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
    return related._default_manager.filter(**{lookup: word}).order_by().values_list("pk", flat=True)[:MAX_RELATED]


MAX_NUMBERED = 1_000
"""Maximum number of activities that a number selects in each way. A number with more is a common word."""


def search_timeline(rows: QuerySet[Activity], words: str) -> QuerySet[Activity]:
    """Return the newest activities with all these words in their text, or all activities if there are no words.

    At most ``REACH`` activities are found in each table of texts, because a list shows no more.

    A text with a colon and no space is an external id: return only the activity with this id. A number returns the
    activities with this number in their external id or that of their thread, and with this number as a whole word. At
    most ``MAX_NUMBERED`` activities are found in each way.
    """
    query = free_text(words, LONGEST_QUERY).strip()
    if not query:
        return rows
    if ":" in query and " " not in query:
        return rows.filter(_with_any_source(query))
    number, everything, most = row_id(query), Activity.objects.all(), REACH
    branches = with_words(everything, query, whole=number is not None)
    if number is not None:
        branches, most = (
            [*branches, everything.filter(number=number), everything.filter(thread_number=number)],
            MAX_NUMBERED,
        )
    newest: set[int] = set()
    for branch in branches:
        newest.update(branch.order_by("-occurred_at").values_list("pk", flat=True)[:most])
    return rows.filter(pk__in=newest)


def _with_any_source(external_id: str) -> Q:
    condition = Q(pk__in=[])
    for source in source_names():
        condition |= with_id(source, external_id)
    return condition


MAX_NAMED = 100
"""Maximum number of related rows that ``NameFilter`` selects, so that the ``IN`` list of the query stays short."""


class ValuesFilter(AllValuesFieldListFilter):
    """Filters by the values of a column, without reading a large table completely.

    A column that is the first column of an index has its first ``MOST`` values as choices. In a large table, any other
    column has its most common values as choices. In a small table, a column with more than ``MOST`` values has no
    filter.
    """

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
        """Return whether the filter has at most ``MOST`` values, and at least one value that is not empty."""
        values = list(self.lookup_choices[: MOST + 1])
        return any(values) and len(values) <= MOST


class SourceFilter(admin.SimpleListFilter):
    """Filters activities by source."""

    title, parameter_name = "source system", "source_system"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the installed sources."""
        return [(source, source) for source in sorted(source_names()) if stored_types(source)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the activities of the chosen source. Without a choice, return all activities."""
        return queryset.filter(of_source(self.value() or "")) if self.value() else queryset


class ScopeSourceFilter(admin.SimpleListFilter):
    """Filters rows by the source of their scope. The index of scopes is used, so that no large table is read."""

    title, parameter_name = "source system", "source_system"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the sources with a stored scope."""
        return [(source, source) for source in different_values(Scope, "source_system")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen source. Without a choice, return all rows."""
        return queryset.filter(scope__source_system=self.value()) if self.value() else queryset


class TypesFilter(admin.SimpleListFilter):
    """Filters by activity type. Shows display names, such as ``Discord: message`` for ``discord.default``."""

    title, parameter_name = "activity type", "activity_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the stored types, each with its display name."""
        names, types = source_names(), ((name, name.partition(".")[0]) for name in stored_types())
        return [(name, f"{names[source]}: {type_name(name)}" if source in names else name) for name, source in types]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the activities of the chosen type. Without a choice, return all activities."""
        return queryset.filter(of_type(self.value() or "")) if self.value() else queryset


def leads_an_index(model: type[models.Model], field: Any) -> bool:
    """Return whether this column is the first column of an index."""
    if field.db_index or field.unique:
        return True
    indexes = [index.fields_orders[0][0] for index in model._meta.indexes if index.fields and not index.condition]
    constraints = [c.fields[0] for c in model._meta.constraints if isinstance(c, models.UniqueConstraint) and c.fields]
    return field.name in {*indexes, *constraints}


class NameFilter(FieldListFilter):
    """Filters rows by the name of a related row. Users type the name, because there may be thousands of names."""

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
        """Return the name of the filter's query parameter."""
        return [self.parameter]

    def has_output(self) -> bool:
        """Return True, because the filter shows a text field and needs no choices."""
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the context for the form's template: the text, its parameter, and the parameters of other filters."""
        others = [(k, v) for k, values in changelist.filter_params.items() if k != self.parameter for v in values]
        yield {"others": others, "value": self.value, "parameter": self.parameter}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that refer to a related row with the typed name, ignoring case.

        If no related row has this name, return the rows with names that contain the typed text.
        """
        if not self.value:
            return queryset
        name = str(cast("Any", admin.site.get_model_admin(self.related)).search_fields[0]).lstrip("=^@")
        related = self.related._default_manager.order_by()
        ids = list(related.filter(Q(**{f"{name}__iexact": self.value})).values_list("pk", flat=True)[:MAX_NAMED])
        ids = ids or list(related.filter(**{f"{name}__icontains": self.value}).values_list("pk", flat=True)[:MAX_NAMED])
        return queryset.filter(**{f"{self.field_path}__in": ids})


class ClearedFilter(admin.SimpleListFilter):
    """Filters skipped items by whether a later attempt has read them."""

    title = "cleared"
    parameter_name = "cleared"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices ``No`` and ``Yes``."""
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the cleared items, the items that are not cleared, or all items."""
        return queryset if self.value() is None else queryset.filter(cleared_at__isnull=self.value() == "no")


def cheap_filter(model: type[models.Model], name: Any) -> Any:
    """Return an entry of ``list_filter`` with a filter class that stays fast for tables of any size.

    Only names of relations, and of text fields without choices, get a filter class. Other entries stay unchanged.
    """
    if not isinstance(name, str) or "__" in name:
        return name
    field = cast("Any", model._meta.get_field(name))
    if field.is_relation:
        return (name, NameFilter)
    return (
        (name, ValuesFilter) if isinstance(field, models.CharField | models.TextField) and not field.choices else name
    )
