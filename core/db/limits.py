"""Time limits for database statements and locks, by kind of work.

https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Maximum seconds for one statement and for waiting for one lock. 0 means no limit."""

    statement: int
    lock: int


PAGE = Limits(statement=30, lock=5)
"""Limits for web pages. gunicorn kills a worker after 60 seconds, so a page must fail before that."""
WORK = Limits(statement=900, lock=180)
"""Limits for commands.

Statements on a large database take some minutes, and a command that writes to the index can hold a lock for up to two
minutes. Both limits leave a margin.
"""
MAINTENANCE = Limits(statement=0, lock=600)
"""Limits for migrations, backups and index builds.

Statements have no limit, because their duration grows with the data.
"""
_current = WORK


def use_limits(limits: Limits) -> None:
    """Apply limits to the open connection of this process and to all connections that it opens later."""
    global _current
    if limits == _current:
        return
    _current = limits
    if connection.connection is not None:
        apply_limits(connection)


def apply_limits(opened: Any) -> None:
    """Apply the current limits to a connection, unless ``options`` in DATABASE_URL sets timeouts."""
    if "_timeout" in str(opened.settings_dict.get("OPTIONS", {}).get("options", "")):
        return
    with opened.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            [f"{_current.statement}s", f"{_current.lock}s"],
        )


def limit_new_connection(sender: object, connection: Any, **_: object) -> None:
    """Apply the current limits to a new connection. This is a receiver of Django's signal ``connection_created``."""
    if connection.vendor == "postgresql":
        apply_limits(connection)
