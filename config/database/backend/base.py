"""Starts the embedded server before a connection needs it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property

from config.database.client import ensure_running
from config.database.disk import FULL_DISK, is_disk_full, log_size
from config.database.home import Home, SettingsFault, StartFailed

MISSING_DATABASE = "3D000"
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
        """Connect; the project's own database is made when it is not there yet."""
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            # libpq gives no SQLSTATE for a refused connection in every version; the words are PostgreSQL's own.
            missing = error.sqlstate == MISSING_DATABASE or "does not exist" in str(error)
            if not missing or conn_params.get("dbname") != "activity_trackers":
                raise
        host, user = str(conn_params["host"]), str(conn_params["user"])
        quicker = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)  # another process may be
        with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as maker, suppress(*quicker):
            maker.execute("CREATE DATABASE activity_trackers TEMPLATE template0 ENCODING 'UTF8'")
        return super().get_new_connection(conn_params)
