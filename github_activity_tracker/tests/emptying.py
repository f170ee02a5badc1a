"""Empties the database between tests by deleting what is there: truncating every table costs a second a test."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

TRUNCATES = DatabaseOperations.sql_flush


@cache
def may_look_away() -> bool:
    """Whether the tests' account may switch triggers and foreign keys off; elsewhere Django truncates as always."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


def filled(tables: Sequence[str]) -> list[str]:
    """Those of the tables that hold anything; one query."""
    parts = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)  # noqa: S608  (names of our tables)
    with connection.cursor() as cursor:
        cursor.execute(parts)
        return [row[0] for row in cursor.fetchall()]


def sql_flush(
    self: DatabaseOperations, style: Any, tables: Sequence[str], *, reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:  # fmt: skip
    """What Django asks its backend for; neither triggers nor foreign keys look on while everything goes."""
    if reset_sequences or not may_look_away():
        return TRUNCATES(self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
    full = filled(tables) if tables else []
    deletions = [f'DELETE FROM "{table}"' for table in full]  # noqa: S608  (names of our tables)
    return ["SET LOCAL session_replication_role = replica", *deletions] if full else []


@pytest.fixture(scope="module", autouse=True)
def emptied_by_deleting() -> Iterator[None]:
    """For a whole module: Django empties after every test that commits, when the fixtures of the test are gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield
