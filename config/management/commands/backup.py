"""``manage.py backup [FILE]``: write the whole database to one file that only its owner can read.

The file appears only when it is complete. Collectors can run at the same time, because the dump is a snapshot of the
database. The next backup removes the temporary file of an interrupted backup.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from config.client_programs import run_program
from core.collectors import ReportingCommand
from core.db.limits import MAINTENANCE
from core.operations.files import PRIVATE, new_file
from core.operations.output import size_in_words

PATTERN = "activity-*.dump"


class Command(ReportingCommand):
    """Write a dump that ``restore`` or ``pg_restore`` can read."""

    database_limits = MAINTENANCE
    help = "Write the whole database to one file (pg_dump's custom format)."
    examples = (
        "backup",
        "backup --keep 7",
        "backup var/before.dump",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments for the file and for the number of backups to keep."""
        parser.add_argument(
            "file", nargs="?", type=Path, help="File to write. Default: VAR_DIR/backups/activity-<time>.dump."
        )
        parser.add_argument(
            "--keep", type=int, metavar="N", help="Afterwards, remove all but the newest N backups in VAR_DIR/backups."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the dump and move it to its final name. With ``--keep``, remove old backups."""
        folder = settings.VAR_DIR / "backups"
        target: Path = options["file"] or folder / f"activity-{timezone.now():%Y%m%d-%H%M%S}.dump"
        with new_file(target, PRIVATE) as new:
            dump = ("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={new.path}")
            run_program(*dump, holding=[new.descriptor])
        self.stdout.write(f"{target}: {size_in_words(target.stat().st_size)}")
        if options["keep"] is not None:
            for old in sorted(folder.glob(PATTERN))[: -max(1, options["keep"])]:
                old.unlink()
