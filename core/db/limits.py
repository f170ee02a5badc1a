"""Time limits for database statements and locks, by kind of work.

https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Seconds for one statement and for one lock; 0: no limit."""

    statement: int
    lock: int


PAGE = Limits(statement=30, lock=5)
"""Web pages. gunicorn kills a worker after 60 seconds."""
WORK = Limits(statement=900, lock=180)
"""Commands. Statements of a large collection take minutes; a writer of the index holds its lock for up to two."""
MAINTENANCE = Limits(statement=0, lock=600)
"""Migrations, backups and index builds, whose duration grows with the data."""
_current = WORK


def use_limits(limits: Limits) -> None:
    """Apply limits to this process: to its open connection and to connections that it opens later."""
    global _current
    if limits == _current:
        return
    _current = limits
    if connection.connection is not None:
        apply_limits(connection)


def apply_limits(opened: Any) -> None:
    """Apply the limits to one connection, unless DATABASE_URL sets time-outs in its ``options``."""
    if "_timeout" in str(opened.settings_dict.get("OPTIONS", {}).get("options", "")):
        return
    with opened.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            [f"{_current.statement}s", f"{_current.lock}s"],
        )


def limit_new_connection(sender: object, connection: Any, **_: object) -> None:
    """Apply the limits to a new connection; receives Django's signal ``connection_created``."""
    if connection.vendor == "postgresql":
        apply_limits(connection)
