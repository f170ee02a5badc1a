"""``manage.py sync_index``: the second phase alone."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.collectors.time_limit import allowed_seconds, time_limit
from core.search.sync import SyncResult, sync
from core.trackers import document_sources

BUSY, PARTIAL = 75, 3


class Command(ReportingCommand):
    """Brings the search index in step with what is kept."""

    help = "Bring the search index in step with what is kept. Exit code 3: some documents wait; 75: others index them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which source, and how long."""
        parser.add_argument("--source", help="Only this source, such as github.")
        parser.add_argument(
            "--max-seconds", type=float, metavar="S", help="Stop after so many seconds; run again to go on."
        )
        parser.add_argument(
            "--wait", type=float, nargs="?", const=60.0, metavar="S",
            help="Wait until queries see all of it, at most so many seconds (60).",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Index what changed."""
        with time_limit(allowed_seconds(options)), shown_progress(None) as shown:
            result = sync(
                document_sources(options["source"]),
                max_seconds=options["max_seconds"],
                progress=counted(shown, "index"),
                wait=options["wait"],
            )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(in_words(result))
        idle = not result.documents + result.deleted + result.failed
        self.exit_code = BUSY if idle and result.held else PARTIAL if result.remaining or not result.fresh else 0


def in_words(result: SyncResult) -> str:
    """One line for people."""
    told = [
        f"{result.documents} documents indexed, {result.deleted} removed",
        f"{result.chunks_embedded} chunks embedded, {result.chunks_reused} reused, {result.chunks_sent} sent",
        f"{result.remaining} waiting ({result.failed} refused), {result.seconds:.1f} s",
    ]
    if not result.fresh:
        told.append("queries do not see all of it yet")
    return "; ".join(told)
