"""Django's PostgreSQL backend, extended to start the embedded server before it connects."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property

from embedded_postgres.backend.creation import DatabaseCreation
from embedded_postgres.client import ensure_running
from embedded_postgres.cluster_paths import FULL_DISK, ClusterPaths, SettingsError, StartError, is_disk_full, log_size
from embedded_postgres.roles import DATABASE, ROLE, SUPERUSER, prepare_database

RECOVERY = 30.0
"""Maximum seconds to wait for a server in recovery.

Recovery usually takes about one second. A longer wait would block web requests.
"""
RECOVERING = (
    "is in recovery mode", "is starting up", "is not yet accepting connections",
    "server closed the connection unexpectedly", "because of crash of another server process",
)  # fmt: skip
"""Texts in the error messages of a server that is in recovery or has just crashed (SQLSTATE 57P02 and 57P03).

The messages are compared because not every version of libpq reports an SQLSTATE for a refused connection.
"""
SERVER_ENDED = {None, "57P01", "57P02", "57P03"}
"""SQLSTATEs of errors that a server causes when it ends or is in recovery.

Errors that the driver itself raises, for example for a lost connection, have the SQLSTATE ``None``.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


class _Errors(DatabaseErrorWrapper):
    """Translates the driver's errors as Django does.

    If the server ended because of a full disk, raises an OperationalError that mentions the full disk.
    """

    def __init__(self, database: "DatabaseWrapper") -> None:
        super().__init__(database)
        self.database = database

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, psycopg.OperationalError) and error.sqlstate in SERVER_ENDED:
            paths = self.database.paths
            if is_disk_full(paths, self.database.log_before):
                self.database.errors_occurred = True
                words = f"{FULL_DISK}: the embedded database in {paths.path} has stopped"
                raise OperationalError(words).with_traceback(trace) from error
        super().__exit__(kind, error, trace)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, connected to the socket of the embedded server."""

    creation_class = DatabaseCreation
    log_before = 0
    """Size of the server's log in bytes just before this connection was opened."""

    @property
    def paths(self) -> ClusterPaths:
        """Return the paths of the server's files."""
        return ClusterPaths(Path(self.settings_dict["EMBEDDED_HOME"]))

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:  # pyright: ignore[reportIncompatibleMethodOverride]  (a cached property in Django, too)
        """Return the context manager that translates the driver's errors."""
        return _Errors(self)

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server if it is not running, and return the connection parameters with its socket folder as host.

        Raises ImproperlyConfigured if the settings prevent a start, and OperationalError if the start fails otherwise.
        """
        try:
            host = ensure_running(self.paths)
        except SettingsError as error:
            raise ImproperlyConfigured(str(error)) from error
        except (StartError, OSError) as error:
            raise OperationalError(f"the embedded database cannot start: {error}") from error
        self.log_before = log_size(self.paths)
        return super().get_connection_params() | {"host": host}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect to the server, and return the connection.

        After a crash of a server process, waits up to ``RECOVERY`` seconds until the server has recovered. If the disk
        is full, the server cannot recover, so this method raises the connection error immediately.
        """
        give_up = time.monotonic() + RECOVERY
        while True:
            try:
                return self._connect(conn_params)
            except psycopg.OperationalError as error:
                is_recovering = any(words in str(error) for words in RECOVERING)
                if not is_recovering or time.monotonic() > give_up or is_disk_full(self.paths, self.log_before):
                    raise
            time.sleep(0.1)

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        """Connect as the ordinary role. Creates the role and the database if they are missing."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            # Not every version of libpq reports an SQLSTATE for a refused connection, so the message is compared.
            words = str(error)
            missing = "does not exist" in words and (f'role "{ROLE}"' in words or f'database "{DATABASE}"' in words)
            if not missing:
                raise
        prepare_database(str(conn_params["host"]))
        return super().get_new_connection(conn_params)

    @contextmanager
    def _nodb_cursor(self) -> Generator[Any]:
        """Yield a cursor of the superuser. Django uses this cursor only to create and remove test databases."""
        prepare_database(str(self.get_connection_params()["host"]))
        server = type(self)({**self.settings_dict, "NAME": None, "USER": SUPERUSER}, alias=self.alias)
        try:
            with server.cursor() as cursor:
                yield cursor
        finally:
            server.close()
