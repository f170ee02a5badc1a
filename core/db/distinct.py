"""Reads the distinct values of a column without reading the whole table."""

from typing import Any

from django.db import connection, models
from psycopg import sql

MOST = 200
"""Maximum number of values to return. A list of choices with more values would be hard to use."""


def different_values(model: type[models.Model], field: str) -> list[Any]:
    """Return the first ``MOST`` distinct values in ascending order, without NULL.

    The column must be the first column of an index. The query jumps from value to value in the index. Its cost depends
    on the number of distinct values, not on the number of rows.
    https://wiki.postgresql.org/wiki/Loose_indexscan
    """
    column = sql.Identifier(str(model._meta.get_field(field).column))  # pyright: ignore[reportAttributeAccessIssue]
    statement = sql.SQL(
        "WITH RECURSIVE jumps (value) AS ("
        " (SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} LIMIT 1) UNION ALL"
        " SELECT (SELECT {column} FROM {table} WHERE {column} > value ORDER BY {column} LIMIT 1)"
        " FROM jumps WHERE value IS NOT NULL) SELECT value FROM jumps WHERE value IS NOT NULL LIMIT {most}"
    ).format(column=column, table=sql.Identifier(model._meta.db_table), most=sql.Literal(MOST))
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string())
        return [row[0] for row in cursor.fetchall()]


def usual_values(model: type[models.Model], field: str) -> list[Any]:
    """Return the most common values of a column as sorted texts, from the statistics of PostgreSQL's planner.

    The column needs no index. The list is empty if PostgreSQL has not analyzed the table or no value is common.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT most_common_vals::text::text[] FROM pg_stats WHERE schemaname = current_schema()"
            " AND tablename = %s AND attname = %s",
            [model._meta.db_table, str(model._meta.get_field(field).column)],  # pyright: ignore[reportAttributeAccessIssue]
        )
        row = cursor.fetchone()
        return sorted(row[0])[:MOST] if row and row[0] else []
