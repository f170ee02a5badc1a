"""Refuse a connection pooler that hands each transaction another server session.

The product's locks belong to database sessions (``pg_try_advisory_lock``). A pooler in transaction mode, such as
pgbouncer with ``pool_mode = transaction``, shares sessions among clients, so that a lock no longer keeps anybody out.
https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
"""

import select
import time
from typing import Any

import psycopg
from django.db import connection

from core.errors import ConfigurationError

ATTEMPTS = 5
"""Comparisons before two clients count as having sessions of their own: other clients may take a shared one first."""
PATIENCE = 5.0
"""Seconds to wait for the second client: a pooler in session mode may have no session left for it, which is fine."""
REFUSAL = (
    "DATABASE_URL leads to a connection pooler in transaction mode, where locks between runs do not work. "
    "Connect to PostgreSQL itself, or set the pooler's pool_mode to session."
)
_checked = False


def require_own_session() -> None:
    """Check, once in a process, that this database connection keeps its server session.

    A direct connection costs one statement: then the server's process id is the one that libpq was given at connect.
    Behind a pooler the ids differ, and a second client shows whether sessions are shared.

    Raises ConfigurationError behind a pooler in transaction or statement mode.
    """
    global _checked
    if _checked:
        return
    connection.ensure_connection()
    if _session_of(connection.connection) != connection.connection.info.backend_pid and _sessions_are_shared():
        raise ConfigurationError(REFUSAL)
    _checked = True


def _session_of(client: Any) -> int:
    """Return the process id of the server session that answers this client now."""
    with client.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _sessions_are_shared() -> bool:
    """Compare the sessions of two clients that are connected at the same time."""
    parameters = connection.get_connection_params()
    for internal in ("cursor_factory", "context"):  # Django's own
        parameters.pop(internal, None)
    sessions = {_session_of(connection.connection)}
    with psycopg.connect(**parameters, autocommit=True) as second:
        for _ in range(ATTEMPTS):
            other = _answer_within(second, PATIENCE)
            if other is None:
                return False
            sessions.add(_session_of(connection.connection))
            if other in sessions or len(sessions) > 1:
                return True
    return False


def _answer_within(client: "psycopg.Connection[Any]", seconds: float) -> int | None:
    """Return the session of a client, or None when the pooler gives it none in time."""
    server, deadline = client.pgconn, time.monotonic() + seconds
    server.send_query(b"SELECT pg_backend_pid()")
    server.flush()
    while server.is_busy():
        readable, _, _ = select.select([server.socket], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return None
        server.consume_input()
    result = server.get_result()
    while server.get_result() is not None:
        pass
    value = result.get_value(0, 0) if result else None
    return int(value) if value else None
