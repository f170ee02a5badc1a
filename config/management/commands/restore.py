"""``manage.py restore FILE``: replace the database with a backup, in one transaction."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import connection

from config.client_programs import replace_everything
from core.collectors import ReportingCommand
from core.db.limits import MAINTENANCE
from core.errors import ConfigurationError


class Command(ReportingCommand):
    """Replace the database with the content of a dump that ``backup`` wrote."""

    database_limits = MAINTENANCE
    help = "Replace the database with a backup, completely or not at all."
    examples = (
        "restore var/before.dump",
        "restore --force var/before.dump",
    )
    requires_system_checks: Any = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and the option ``--force``."""
        parser.add_argument("file", type=Path, help="A file that backup wrote.")
        parser.add_argument("--force", action="store_true", help="Replace a database that is not empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore the dump.

        Raises ConfigurationError if the file is missing, or if the database has tables and ``--force`` is not set.
        """
        file: Path = options["file"]
        if not file.is_file():
            raise ConfigurationError(f"{file} does not exist or is not a file. Name a file that backup wrote.")
        if connection.introspection.table_names() and not options["force"]:
            raise ConfigurationError("The database is not empty. Use --force to replace everything in it.")
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.close()
        replace_everything(file)
        self.stdout.write(
            f"Restored from {file}. Now run manage.py migrate, in case the backup is from an older version."
        )
