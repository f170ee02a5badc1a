"""Starts the embedded server before a connection needs it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from config.database.client import ensure_running
from config.database.home import Home, SettingsFault, StartFailed

MISSING_DATABASE = "3D000"


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, with the socket of the embedded server for a host."""

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server if need be; ImproperlyConfigured or OperationalError says why it cannot."""
        try:
            host = ensure_running(Home(Path(self.settings_dict["EMBEDDED_HOME"])))
        except SettingsFault as error:
            raise ImproperlyConfigured(str(error)) from error
        except (StartFailed, OSError) as error:
            raise OperationalError(f"the embedded database cannot start: {error}") from error
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
