"""``manage.py sync_index``: the second phase alone."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from core.collectors import ReportingCommand
from core.search.sync import sync
from core.trackers import document_sources


class Command(ReportingCommand):
    """Brings the search index in step with what is kept."""

    help = "Bring the search index in step with what is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which source and how long."""
        parser.add_argument("--source", help="Only this source, such as github.")
        parser.add_argument(
            "--max-seconds", type=float, metavar="S", help="Stop after so many seconds; run again to go on."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Index what changed."""
        result = sync(document_sources(options["source"]), max_seconds=options["max_seconds"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            told = (
                f"{result.documents} documents indexed, {result.deleted} removed",
                f"{result.chunks_embedded} chunks embedded, {result.chunks_reused} reused",
                f"{result.remaining} waiting, {result.seconds:.1f} s",
            )
            self.stdout.write("; ".join(told))
        self.exit_code = 3 if result.remaining else 0
