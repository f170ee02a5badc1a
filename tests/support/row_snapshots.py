"""Restores collected rows for tests that start with the same data. Collecting again would take ten times as long."""

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection, transaction

from tests.support.database import may_skip_triggers, nonempty_tables

OWN = ("core_", "github_activity_tracker_", "discord_activity_tracker_")
_rows: dict[str, dict[str, bytes]] = {}


def restore_or_collect(name: str, collect: Callable[[], None]) -> None:
    """Fill an empty database by calling ``collect``. Later calls with the same name restore the collected rows.

    Rows are saved only within the same process, and only if the database role may switch off triggers.
    """
    if name in _rows:
        _restore(_rows[name])
        return
    collect()
    if may_skip_triggers():
        _rows[name] = {table: _read(table) for table in nonempty_tables(_own_tables())}


def _own_tables() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [table for table in tables if table.startswith(OWN)]


def _read(table: str) -> bytes:
    with _cursor() as cursor, cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT BINARY)') as rows:
        return b"".join(rows)


def _restore(tables: dict[str, bytes]) -> None:
    """Write all rows in one transaction, with triggers and foreign keys switched off."""
    with transaction.atomic(), _cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in tables.items():
            with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT BINARY)') as copy:
                copy.write(rows)
        cursor.execute("SET LOCAL session_replication_role = origin")


def _cursor() -> "psycopg.Cursor[Any]":
    """Return a cursor of psycopg, which supports COPY."""
    connection.ensure_connection()
    driver: psycopg.Connection[Any] = connection.connection
    return driver.cursor()
