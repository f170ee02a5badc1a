"""The different values of an indexed column, found by jumping through its index: a million rows cost what ten do."""

from typing import Any

from django.db import connection, models
from psycopg import sql

MOST = 200
"""No list that people choose from is longer."""


def different_values(model: type[models.Model], field: str) -> list[Any]:
    """The values in their order, nothing left out below ``MOST``; the column must lead an index."""
    column = sql.Identifier(str(model._meta.get_field(field).column))  # pyright: ignore[reportAttributeAccessIssue]
    statement = sql.SQL(
        "WITH RECURSIVE found (value) AS ("
        " (SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} LIMIT 1) UNION ALL"
        " SELECT (SELECT {column} FROM {table} WHERE {column} > value ORDER BY {column} LIMIT 1)"
        " FROM found WHERE value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL LIMIT {most}"
    ).format(column=column, table=sql.Identifier(model._meta.db_table), most=sql.Literal(MOST))
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string())
        return [row[0] for row in cursor.fetchall()]


def usual_values(model: type[models.Model], field: str) -> list[Any]:
    """The values that the planner's statistics know of a column without an index: rare ones may be missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT most_common_vals::text::text[] FROM pg_stats WHERE schemaname = current_schema()"
            " AND tablename = %s AND attname = %s",
            [model._meta.db_table, str(model._meta.get_field(field).column)],  # pyright: ignore[reportAttributeAccessIssue]
        )
        found = cursor.fetchone()
        return sorted(found[0])[:MOST] if found and found[0] else []
