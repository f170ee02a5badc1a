"""Starts the embedded server before a connection needs it."""

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

from config.database.backend.creation import DatabaseCreation
from config.database.client import ensure_running
from config.database.disk import FULL_DISK, is_disk_full, log_size
from config.database.home import Home, SettingsFault, StartFailed
from config.database.roles import DATABASE, ROLE, SUPERUSER, prepare_database

RECOVERY = 30.0
"""Seconds to wait for a server that recovers; a second is usual, and pages wait as long at most."""
RECOVERING = (
    "is in recovery mode", "is starting up", "is not yet accepting connections",
    "server closed the connection unexpectedly", "because of crash of another server process",
)  # fmt: skip
"""How a connection is refused while a server ends all sessions after a crash, and recovers (SQLSTATE 57P02 and 57P03).

The driver gives no SQLSTATE for a refused connection.
"""
SERVER_ENDED = {None, "57P01", "57P02", "57P03"}
"""SQLSTATEs of a session that the server ended, or did not open because it recovers; ``None``: the driver's own words.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


class _Errors(DatabaseErrorWrapper):
    """As Django's; where the server ended because its disk is full, that is what the error says."""

    def __init__(self, database: "DatabaseWrapper") -> None:
        super().__init__(database)
        self.database = database

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, psycopg.OperationalError) and error.sqlstate in SERVER_ENDED:
            home = self.database.home
            if is_disk_full(home, self.database.log_before):
                self.database.errors_occurred = True
                words = f"{FULL_DISK}: the embedded database in {home.path} has ended"
                raise OperationalError(words).with_traceback(trace) from error
        super().__exit__(kind, error, trace)


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, with the socket of the embedded server for a host."""

    creation_class = DatabaseCreation
    log_before = 0
    """Bytes of the server's log when this connection was opened."""

    @property
    def home(self) -> Home:
        """Where the server of these settings lives."""
        return Home(Path(self.settings_dict["EMBEDDED_HOME"]))

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:  # pyright: ignore[reportIncompatibleMethodOverride]  (a cached property in Django, too)
        """Translate errors of the driver."""
        return _Errors(self)

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server if need be; ImproperlyConfigured or OperationalError says why it cannot."""
        try:
            host = ensure_running(self.home)
        except SettingsFault as error:
            raise ImproperlyConfigured(str(error)) from error
        except (StartFailed, OSError) as error:
            raise OperationalError(f"the embedded database cannot start: {error}") from error
        self.log_before = log_size(self.home)
        return super().get_connection_params() | {"host": host}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; waits while the server recovers from a crash of one of its processes, unless its disk is full."""
        give_up = time.monotonic() + RECOVERY
        while True:
            try:
                return self._connect(conn_params)
            except psycopg.OperationalError as error:
                is_recovering = any(words in str(error) for words in RECOVERING)
                if not is_recovering or time.monotonic() > give_up or is_disk_full(self.home, self.log_before):
                    raise
            time.sleep(0.1)

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        """Connect as the ordinary role; role and database are made first where they are missing."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            # libpq gives no SQLSTATE for a refused connection in every version; the words are PostgreSQL's own.
            words = str(error)
            missing = "does not exist" in words and (f'role "{ROLE}"' in words or f'database "{DATABASE}"' in words)
            if not missing:
                raise
        prepare_database(str(conn_params["host"]))
        return super().get_new_connection(conn_params)

    @contextmanager
    def _nodb_cursor(self) -> Generator[Any]:
        """Give the superuser's cursor: Django makes and removes test databases with it, and does nothing else."""
        prepare_database(str(self.get_connection_params()["host"]))
        server = type(self)({**self.settings_dict, "NAME": None, "USER": SUPERUSER}, alias=self.alias)
        try:
            with server.cursor() as cursor:
                yield cursor
        finally:
            server.close()
