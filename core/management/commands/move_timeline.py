"""``manage.py move_timeline``: finish the upgrade of the timeline after an update from version 0.1 or 0.2."""

from argparse import ArgumentParser
from typing import Any

from core.collectors import ReportingCommand
from core.collectors.progress import shown_progress
from core.db.limits import MAINTENANCE
from core.ingest.timeline_move import rows_to_move
from core.operations.output import number_of
from core.timeline_upgrade import move_timeline


class Command(ReportingCommand):
    """Move the activities of an earlier release to the table of this release."""

    database_limits = MAINTENANCE
    help = (
        "After an update: move the activities of the earlier release to the timeline of this release, newest first. "
        "Collections may run at the same time, and a stopped command continues where it was. Every collection also "
        "moves activities for a minute."
    )
    examples = (
        "move_timeline",
        "move_timeline --max-seconds 600",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--max-seconds``."""
        parser.add_argument("--max-seconds", type=float, metavar="S", help="Stop after S seconds. Run again to go on.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move the activities, and print how many were moved and how many are left."""
        total = rows_to_move()
        with shown_progress(None) as progress:
            progress.expect("timeline", "activities", total)
            moved = move_timeline(options["max_seconds"], progress.advance)
        left = rows_to_move()
        if left:
            self.stdout.write(f"{number_of(moved, 'activity')} moved, {left:,} left: run move_timeline again")
        else:
            self.stdout.write(f"{number_of(moved, 'activity')} moved; the timeline is complete")
