"""``manage.py migrate``: Django's command, limited to one process at a time."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from core.db.limits import MAINTENANCE, use_limits
from core.db.locks import MIGRATIONS, try_lock, unlock

PATIENCE = 600.0
"""Maximum seconds to wait while another process migrates the same database. A longer migration may be stuck."""


class Command(migrate.Command):
    """Wait until no other process migrates the same database. Two simultaneous migrations could fail halfway."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate when no other process is migrating. Raises CommandError if another process takes too long."""
        use_limits(MAINTENANCE)
        with _migration_lock(options["database"]):
            super().handle(*args, **options)


@contextmanager
def _migration_lock(alias: str) -> Generator[None]:
    """Hold the lock for migrations on a database connection.

    Raises CommandError if the lock is not free within ``PATIENCE``.
    """
    connection, deadline = connections[alias], time.monotonic() + PATIENCE
    while not try_lock(MIGRATIONS, using=connection):
        if time.monotonic() > deadline:
            raise CommandError(
                "Another process is migrating this database. This command waited ten minutes. "
                "Check the other process, then try again."
            )
        time.sleep(0.2)
    try:
        yield
    finally:
        unlock(MIGRATIONS, using=connection)
