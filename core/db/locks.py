"""Advisory locks of PostgreSQL: the fixed lock keys, and functions that take, release and check locks.

An advisory lock belongs to a database session. Therefore it works across machines, and it is released when the process
ends for any reason. PostgreSQL has two separate key spaces: single 64-bit keys and pairs of 32-bit keys.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS

A connection pooler in transaction mode, such as pgbouncer with ``pool_mode = transaction``, may run each transaction in
another session. A session lock then no longer works. ``require_own_session`` refuses such a connection.
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
"""First key of a pair that locks one document while it is indexed. The second key is the document's id."""
NAMESPACES = 7311
"""First key of a pair that locks one namespace. The second key is the namespace's id.

The lock is shared while vectors are written and exclusive while the namespace is dropped.
"""
MIGRATIONS = 7312
"""Single key. ``manage.py migrate`` takes this lock, so that only one process migrates the database."""
DATABASE_ROLES = 7313
"""Single key. ``embedded_postgres.roles`` holds this lock while it creates the roles and the database."""
ALERTS = 7314
"""Single key. The transaction that opens and closes alerts takes this lock."""


def lock_key(kind: str, name: str) -> int:
    """Return the single key of a named lock, such as the lock of a scope or a run. The key is a signed 64-bit hash.

    A collision with another name or with a fixed key is unlikely below about 2**32 names.
    """
    return int.from_bytes(hashlib.blake2b(f"{kind}\0{name}".encode(), digest_size=8).digest(), signed=True)


def try_lock(key: int, *, using: Any = None) -> bool:
    """Try to take the lock of a single key for this session. Return False if another session holds the lock.

    ``using`` is a database connection; ``None`` means the default one.
    """
    return _ask(using or connection, "SELECT pg_try_advisory_lock(%s)", key)


def unlock(key: int, *, using: Any = None) -> None:
    """Release the lock of a single key.

    A lost connection has already released the lock, so nothing is done in that case.
    """
    client = using or connection
    if client.is_usable():
        _ask(client, "SELECT pg_advisory_unlock(%s)", key)


def lock_until_commit(key: int) -> None:
    """Wait for the lock of a single key and hold it until the current transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def is_held(key: int) -> bool:
    """Return whether any session of this database holds the lock of a single key. The lock is not taken.

    ``pg_locks`` shows a single key as two halves, with 1 as ``objsubid``.
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
"""Number of comparisons after which two clients count as having separate sessions.

One comparison is not enough, because another client of the pooler may use the shared session between
two queries.
"""
PATIENCE = 5.0
"""Maximum seconds until the second client receives an answer.

A pooler in session mode may have no free session for this client. A larger value would then delay the start of a run.
"""
REFUSAL = (
    "DATABASE_URL leads to a connection pooler in transaction mode, where locks between runs do not work. "
    "Connect to PostgreSQL itself, or set the pooler's pool_mode to session."
)
_checked = False


def require_own_session() -> None:
    """Check, once per process, that this database connection always uses the same server session.

    For a direct connection, the check costs one statement: the server's process id equals the id that libpq received
    when it connected. Behind a pooler, these ids differ, and a second client shows whether sessions are shared.

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
    """Return the process id of the server session that currently serves this client."""
    with client.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _sessions_are_shared() -> bool:
    """Return whether two connected clients use the same session, or whether the first client's session changes."""
    parameters = connection.get_connection_params()
    for internal in ("cursor_factory", "context"):  # parameters that only Django uses
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
    """Return the process id of a client's session, or ``None`` if the pooler provides no session within ``seconds``."""
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
