"""Fills the tables of every installed tracker with generated rows that satisfy the constraints."""

from typing import Any, cast

from django.apps import apps
from django.db import connection, models

from core.trackers import installed_trackers

PARENT_ROWS, ACCOUNT_ROWS, CHILD_ROWS = 2_000, 20_000, 200_000
"""Number of rows in a table without foreign keys, in a table of accounts, and in any other table. With far fewer rows,
pages that read a whole table would still be fast. More rows would take longer to generate."""


def load_trackers() -> None:
    """Fill the tables of all trackers. A table is filled after the tables that it references."""
    left = [model for tracker in installed_trackers() for model in apps.get_app_config(tracker.label).get_models()]
    sizes: dict[type[models.Model], int] = {}
    while left:
        model = next(m for m in left if all(parent in sizes or parent is m for parent in _parents(m)))
        left.remove(model)
        sizes[model] = _fill(model, sizes)


def _parents(model: type[models.Model]) -> list[type[models.Model]]:
    return [cast("Any", f.related_model) for f in model._meta.concrete_fields if f.is_relation]


def _fill(model: type[models.Model], sizes: dict[type[models.Model], int]) -> int:
    """Fill a table with one statement, and return the number of rows."""
    one_to_one = [sizes[cast("Any", f.related_model)] for f in model._meta.concrete_fields if f.one_to_one]
    rows = ACCOUNT_ROWS if "account" in model.__name__.lower() else CHILD_ROWS if _parents(model) else PARENT_ROWS
    rows = min([rows, *one_to_one])
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.GeneratedField)]
    names = ", ".join(f'"{f.column}"' for f in fields)
    values = ", ".join(_value(f, sizes) for f in fields)
    # safe, because the statement contains only constants and names of columns
    source = f"SELECT {values} FROM generate_series(1, {rows}) AS n"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{model._meta.db_table}" ({names}) {source}')
    return rows


def _value(field: Any, sizes: dict[type[models.Model], int]) -> str:
    """Return the SQL expression for the value of a column in row ``n``.

    Columns for long or unique texts have a different value in each row. Other text columns have nine different values.
    """
    if field.is_relation:
        return (
            "n"
            if field.one_to_one
            else f"1 + n % {sizes[field.related_model]}"
            if field.related_model in sizes
            else "NULL"
        )
    if field.primary_key and not isinstance(field, models.CharField):
        return "n"
    if isinstance(field, models.BooleanField):
        return "n % 3 = 0"
    if isinstance(field, models.SmallIntegerField | models.PositiveSmallIntegerField):
        return "n % 30000"
    if isinstance(field, models.IntegerField):
        return "n"
    if isinstance(field, models.DateTimeField):
        if not field.null:
            return "now() - n * interval '7 minutes'"
        # Columns that determine the order of a list are rarely empty.
        sorted_by = {name.removeprefix("-") for name in field.model._meta.ordering or ()}
        mostly_set = "CASE WHEN n % 50 > 0 THEN now() - n * interval '7 minutes' END"
        return mostly_set if field.name in sorted_by else "CASE WHEN n % 50 = 0 THEN now() END"
    if isinstance(field, models.DateField):
        return "current_date"
    if isinstance(field, models.JSONField):
        return "NULL" if field.null else "'{}'"
    if field.unique or field.max_length is None or field.max_length > 64:
        return f"left('some words of row ' || n, {field.max_length or 1000})"
    return f"left('kind-' || n % 9, {field.max_length})"
