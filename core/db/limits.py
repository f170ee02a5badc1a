"""How long the database may work on one statement, or wait for one lock, by the kind of work.

https://www.postgresql.org/docs/current/runtime-config-client.html
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Seconds for one statement, and for one lock; 0 is no limit."""

    statement: int
    lock: int


PAGE = Limits(statement=30, lock=5)
"""Web pages: gunicorn ends a worker after 60 seconds."""
WORK = Limits(statement=900, lock=180)
"""Commands: statements of a large collection take minutes at most; a writer of the index holds its lock for two."""
MAINTENANCE = Limits(statement=0, lock=600)
"""Migrations, backups and the building of indexes: their statements take as long as the data is large."""
_current = WORK


def use_limits(limits: Limits) -> None:
    """Limit every statement of this process from now on, also those of connections that are opened later."""
    global _current
    if limits == _current:
        return
    _current = limits
    if connection.connection is not None:
        apply_limits(connection)


def apply_limits(opened: Any) -> None:
    """Limit the statements of one connection, unless DATABASE_URL has limits in its ``options``."""
    if "_timeout" in str(opened.settings_dict.get("OPTIONS", {}).get("options", "")):
        return
    with opened.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            [f"{_current.statement}s", f"{_current.lock}s"],
        )


def limit_new_connection(sender: object, connection: Any, **_: object) -> None:
    """Receive Django's ``connection_created``."""
    if connection.vendor == "postgresql":
        apply_limits(connection)
