"""Advisory locks of PostgreSQL: the one registry of their keys, and the functions that take them.

An advisory lock belongs to a database session: it ends with the process, however that ends, and it holds across
machines. PostgreSQL keeps two separate key spaces, one of single 64-bit keys and one of pairs of 32-bit keys.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS

A connection pooler in transaction mode, such as pgbouncer with ``pool_mode = transaction``, hands each transaction
another session, so that a lock no longer excludes anyone. ``require_own_session`` refuses such a connection.
https://www.pgbouncer.org/features.html#sql-feature-map-for-pooling-modes
"""

import hashlib
import select
import time
from typing import Any

import psycopg
from django.db import connection

from core.errors import ConfigurationError

DOCUMENTS = 7310
"""First half of a pair; the second half is a document's id. Held while the document is indexed."""
NAMESPACES = 7311
"""First half of a pair; the second half is a namespace's id. Shared while vectors are written, exclusive for a drop."""
MIGRATIONS = 7312
"""Single key. Held by ``manage.py migrate``."""
DATABASE_ROLES = 7313
"""Single key. Held while the embedded server prepares its roles and database, by code that knows no Django."""
ALERTS = 7314
"""Single key. Held by the transaction that opens and closes alerts."""


def lock_key(kind: str, name: str) -> int:
    """Return the single key of a named lock, such as that of a scope or of a run: a signed 64-bit hash.

    A collision with another name or with a key of the registry would need about 2**32 names.
    """
    return int.from_bytes(hashlib.blake2b(f"{kind}\0{name}".encode(), digest_size=8).digest(), signed=True)


def try_lock(key: int, *, using: Any = None) -> bool:
    """Take the lock of a single key for this session and return True, or return False if another session holds it.

    ``using`` is a database connection; ``None`` means the default one.
    """
    return _ask(using or connection, "SELECT pg_try_advisory_lock(%s)", key)


def unlock(key: int, *, using: Any = None) -> None:
    """Release the lock of a single key; nothing happens on a connection that is lost, which released it already."""
    client = using or connection
    if client.is_usable():
        _ask(client, "SELECT pg_advisory_unlock(%s)", key)


def lock_until_commit(key: int) -> None:
    """Wait for the lock of a single key and hold it until the current transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def is_held(key: int) -> bool:
    """Return whether any session of this database holds the lock of a single key, without taking it.

    ``pg_locks`` shows a single key as two halves with ``objsubid`` 1.
    """
    unsigned = key % 2**64
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory'"
            " AND d.datname = current_database() AND l.classid = %s AND l.objid = %s AND l.objsubid = 1 AND l.granted)",
            [unsigned >> 32, unsigned % 2**32],
        )
        return bool(cursor.fetchone()[0])


def _ask(client: Any, statement: str, key: int) -> bool:
    with client.cursor() as cursor:
        cursor.execute(statement, [key])
        return bool(cursor.fetchone()[0])


ATTEMPTS = 5
"""Comparisons before two clients count as having separate sessions: other clients may take a shared one first."""
PATIENCE = 5.0
"""Seconds to wait for the second client. A pooler in session mode may have no free session for it, which is fine."""
REFUSAL = (
    "DATABASE_URL leads to a connection pooler in transaction mode, where locks between runs do not work. "
    "Connect to PostgreSQL itself, or set the pooler's pool_mode to session."
)
_checked = False


def require_own_session() -> None:
    """Check, once in a process, that this database connection keeps its server session.

    A direct connection costs one statement: the server's process id equals the one that libpq received at connect.
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
