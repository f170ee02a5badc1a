"""Writes many rows with one statement and says which of them are new or really changed.

Django's ``bulk_create(update_conflicts=True)`` rewrites every row and cannot tell; here a row that is already as it
should be is not touched, which is what makes a second collection change nothing.
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
    """The keys that a write inserted and those whose rows it changed; rows that were right already are in neither."""

    inserted: list[tuple[Any, ...]]
    updated: list[tuple[Any, ...]]

    @property
    def changed(self) -> list[tuple[Any, ...]]:
        """Both, in no order."""
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
    """Insert rows, or update those of the same ``key`` that differ; one statement, whatever the number of rows.

    All rows have the same fields (by attribute name, ``author_id`` for a foreign key). Of rows with one key the last
    counts. ``newer`` names a timestamp: a row older than what is kept is ignored, so that pages may come out of order.
    ``keep`` names fields that an update leaves alone. ``guarded`` maps fields to the field that decides about them: an
    update leaves a guarded field alone where the new row's deciding field is null or empty and the stored row's is not.
    Keys are returned as tuples in the order of ``key``, with the values of ``also`` behind them.
    """
    latest = {tuple(row[name] for name in key): row for row in rows}
    if not latest:
        return Upserted(inserted=[], updated=[])
    # Sorted, so that two writers of the same rows lock them in the same order.
    ordered = [latest[k] for k in sorted(latest)]
    statement = _statement(
        model, tuple(ordered[0]), tuple(key), newer, tuple(keep), tuple(also),
        tuple(sorted((guarded or {}).items())),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_json(ordered)])
        found = cursor.fetchall()
    return Upserted(
        inserted=[tuple(row[1:]) for row in found if row[0]], updated=[tuple(row[1:]) for row in found if not row[0]]
    )


def copy(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows of which none is there yet, the fastest way. ``names`` are those of the fields, in order."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as lines:
        for row in rows:
            lines.write_row(row)


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one JSON text, with dates as PostgreSQL reads them."""
    try:
        return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number of more than 64 bits in a payload, which PostgreSQL can keep
        return json.dumps(rows, ensure_ascii=False, default=_written)


def _written(value: object) -> str:
    """Dates as PostgreSQL reads them."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


@lru_cache(maxsize=256)
def _statement(
    model: type[models.Model], names: tuple[str, ...], key: tuple[str, ...], newer: str | None, keep: tuple[str, ...],
    also: tuple[str, ...], guarded: tuple[tuple[str, str], ...] = (),
) -> str:  # fmt: skip
    """The SQL for a set of fields. Rows travel as one JSON text: arrays of values cost several times as much."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    table = sql.Identifier(model._meta.db_table)
    columns = {name: sql.Identifier(str(fields[name].column)) for name in names}
    types = {name: str(fields[name].db_type(connection)).split("(")[0] for name in names}
    types = {name: "text" if kind == "varchar" else kind for name, kind in types.items()}
    changing = [name for name in names if name not in {*key, *keep}]
    deciders = dict(guarded)
    values = {name: _new_value(columns[name], columns.get(deciders.get(name, ""))) for name in changing}
    condition = sql.SQL("({}) IS DISTINCT FROM ({})").format(
        sql.SQL(", ").join(sql.SQL("kept.{}").format(columns[n]) for n in changing),
        sql.SQL(", ").join(values[n] for n in changing),
    )
    if newer:
        condition += sql.SQL(" AND (kept.{0} IS NULL OR kept.{0} <= excluded.{0})").format(columns[newer])
    update = sql.SQL("UPDATE SET {} WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{} = {}").format(columns[n], values[n]) for n in changing), condition
    )
    # The types are Django's own words, not input.
    typed = [sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(types[n])) for n in names]  # pyright: ignore[reportArgumentType]
    statement = sql.SQL(
        "INSERT INTO {table} AS kept ({columns}) SELECT {given} FROM json_to_recordset(%s::json) AS given ({typed})"
        " ON CONFLICT ({key}) DO {update} RETURNING (xmax = 0), {returned}"
    ).format(
        table=table,
        columns=sql.SQL(", ").join(columns[n] for n in names),
        given=sql.SQL(", ").join(sql.Identifier(n) for n in names),
        typed=sql.SQL(", ").join(typed),
        key=sql.SQL(", ").join(columns[n] for n in key),
        update=update if changing else sql.SQL("NOTHING"),
        returned=sql.SQL(", ").join(
            sql.SQL("kept.{}").format(sql.Identifier(str(fields[n].column))) for n in key + also
        ),
    )
    return statement.as_string()


def _new_value(column: sql.Identifier, decider: sql.Identifier | None) -> sql.Composed:
    """What an update writes: the new row's value, or the stored one where a deciding field became empty."""
    if decider is None:
        return sql.SQL("excluded.{}").format(column)
    return sql.SQL(
        "CASE WHEN COALESCE(excluded.{1}::text, '') = '' AND COALESCE(kept.{1}::text, '') <> ''"
        " THEN kept.{0} ELSE excluded.{0} END"
    ).format(column, decider)
