"""Writes many rows with one statement and reports which rows are new or changed.

Django's ``bulk_create(update_conflicts=True)`` rewrites every row and does not report changes. ``upsert`` does not
write unchanged rows, so that a second collection of the same data changes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models
from psycopg import sql


@dataclass(frozen=True, kw_only=True, slots=True)
class Upserted:
    """The keys of inserted rows and of updated rows. Neither list contains the keys of unchanged rows."""

    inserted: list[tuple[Any, ...]]
    updated: list[tuple[Any, ...]]

    @property
    def changed(self) -> list[tuple[Any, ...]]:
        """The keys of all inserted or updated rows."""
        return self.inserted + self.updated


def upsert(
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: Sequence[str],
    newer: str | None = None,
    keep: Sequence[str] = (),
    also: Sequence[str] = (),
    guarded: Mapping[str, str] | None = None,
) -> Upserted:
    """Insert rows, or update stored rows with the same ``key``, with one statement. Unchanged rows are not written.

    All rows have the same fields, by attribute name (``author_id`` for a foreign key). If several rows have the same
    key, the last row is used. ``newer`` names a timestamp field: rows older than the stored row are ignored, so that
    pages may arrive out of order. ``keep`` names fields that an update does not change. ``guarded`` maps a field to its
    deciding field: when the deciding field becomes null or empty, the update does not change the guarded field. Keys
    are returned as tuples in the order of ``key``, followed by the values of the fields in ``also``.
    """
    latest = {tuple(row[name] for name in key): row for row in rows}
    if not latest:
        return Upserted(inserted=[], updated=[])
    # Sorted, so that two processes that write the same rows lock them in the same order.
    ordered = [latest[k] for k in sorted(latest)]
    statement = _statement(
        model, tuple(ordered[0]), tuple(key), newer, tuple(keep), tuple(also),
        tuple(sorted((guarded or {}).items())),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_json(ordered)])
        returned = cursor.fetchall()
    return Upserted(
        inserted=[tuple(row[1:]) for row in returned if row[0]],
        updated=[tuple(row[1:]) for row in returned if not row[0]],
    )


def copy(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert new rows with COPY, which is faster than INSERT. ``names`` are the columns in the order of the values."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as lines:
        for row in rows:
            lines.write_row(row)


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as one JSON text, with dates and times in a format that PostgreSQL reads.

    Raises TypeError for a value that cannot be written as JSON.
    """
    try:
        return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # orjson refuses numbers of more than 64 bits, which PostgreSQL can store
        return json.dumps(rows, ensure_ascii=False, default=_json_value)


def _json_value(value: object) -> str:
    """Return a date and time in a format that PostgreSQL reads. Raises TypeError for any other value."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


@lru_cache(maxsize=256)
def _statement(
    model: type[models.Model], names: tuple[str, ...], key: tuple[str, ...], newer: str | None, keep: tuple[str, ...],
    also: tuple[str, ...], guarded: tuple[tuple[str, str], ...] = (),
) -> str:  # fmt: skip
    """Return the upsert statement for these fields.

    The statement takes all rows as one JSON text, which is several times faster than arrays.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table = sql.Identifier(model._meta.db_table)
    columns = {name: sql.Identifier(str(fields[name].column)) for name in names}
    types = {name: str(fields[name].db_type(connection)).split("(")[0] for name in names}
    types = {name: "text" if kind == "varchar" else kind for name, kind in types.items()}
    changing = [name for name in names if name not in {*key, *keep}]
    deciders = dict(guarded)
    values = {name: _new_value(columns[name], columns.get(deciders.get(name, ""))) for name in changing}
    condition = sql.SQL("({}) IS DISTINCT FROM ({})").format(
        sql.SQL(", ").join(sql.SQL("stored.{}").format(columns[n]) for n in changing),
        sql.SQL(", ").join(values[n] for n in changing),
    )
    if newer:
        condition += sql.SQL(" AND (stored.{0} IS NULL OR stored.{0} <= excluded.{0})").format(columns[newer])
    update = sql.SQL("UPDATE SET {} WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{} = {}").format(columns[n], values[n]) for n in changing), condition
    )
    # The type names come from Django, not from input.
    typed = [sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(types[n])) for n in names]  # pyright: ignore[reportArgumentType]
    statement = sql.SQL(
        "INSERT INTO {table} AS stored ({columns}) SELECT {names} FROM json_to_recordset(%s::json) AS input ({typed})"
        " ON CONFLICT ({key}) DO {update} RETURNING (xmax = 0), {returned}"
    ).format(
        table=table,
        columns=sql.SQL(", ").join(columns[n] for n in names),
        names=sql.SQL(", ").join(sql.Identifier(n) for n in names),
        typed=sql.SQL(", ").join(typed),
        key=sql.SQL(", ").join(columns[n] for n in key),
        update=update if changing else sql.SQL("NOTHING"),
        returned=sql.SQL(", ").join(
            sql.SQL("stored.{}").format(sql.Identifier(str(fields[n].column))) for n in key + also
        ),
    )
    return statement.as_string()


def _new_value(column: sql.Identifier, decider: sql.Identifier | None) -> sql.Composed:
    """Return the SQL expression for a field's new value. If ``decider`` becomes empty, the stored value stays."""
    if decider is None:
        return sql.SQL("excluded.{}").format(column)
    return sql.SQL(
        "CASE WHEN COALESCE(excluded.{1}::text, '') = '' AND COALESCE(stored.{1}::text, '') <> ''"
        " THEN stored.{0} ELSE excluded.{0} END"
    ).format(column, decider)
