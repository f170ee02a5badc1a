"""``manage.py migrate``: as Django's, one process at a time."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from core.db.limits import MAINTENANCE, use_limits

LOCK = 7312
"""The advisory lock of migrations; see ``core.monitoring.alerts`` and ``core.search`` for the others."""
PATIENCE = 600.0
"""Seconds to wait for another process that migrates."""


class Command(migrate.Command):
    """Waits for another ``migrate`` on the same database instead of failing half way."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate while no other process does. Raises CommandError when another one takes too long."""
        use_limits(MAINTENANCE)
        with _alone(options["database"]):
            super().handle(*args, **options)


@contextmanager
def _alone(alias: str) -> Generator[None]:
    """Hold the lock of migrations; it belongs to the database session and ends with the process."""
    connection, deadline = connections[alias], time.monotonic() + PATIENCE
    while not _ask(connection, "SELECT pg_try_advisory_lock(%s)"):
        if time.monotonic() > deadline:
            raise CommandError("Another process has been migrating this database for ten minutes. Look at it first.")
        time.sleep(0.2)
    try:
        yield
    finally:
        if connection.is_usable():
            _ask(connection, "SELECT pg_advisory_unlock(%s)")


def _ask(connection: Any, statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [LOCK])
        return bool(cursor.fetchone()[0])
