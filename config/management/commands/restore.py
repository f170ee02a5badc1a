"""``manage.py restore FILE``: the database as a backup says, in one transaction: all of it, or nothing changes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import connection

from config.client_programs import replace_everything
from core.collectors import ReportingCommand
from core.db.limits import MAINTENANCE
from core.errors import ConfigurationError


class Command(ReportingCommand):
    """Reads what ``backup`` wrote."""

    database_limits = MAINTENANCE
    help = "Bring the database back to what a backup says; all of it, or nothing changes."
    examples = (
        "restore var/before.dump",
        "restore --force var/before.dump",
    )
    requires_system_checks: Any = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which file, and whether anything may be lost."""
        parser.add_argument("file", type=Path, help="A file that backup wrote.")
        parser.add_argument("--force", action="store_true", help="Replace everything that the database holds.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse to overwrite by accident; else restore."""
        file: Path = options["file"]
        if not file.is_file():
            raise ConfigurationError(f"{file} is no file.")
        if connection.introspection.table_names() and not options["force"]:
            raise ConfigurationError("The database is not empty: --force replaces everything in it.")
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.close()
        replace_everything(file)
        self.stdout.write(f"restored from {file}; now: manage.py migrate, for what a newer version needs")
