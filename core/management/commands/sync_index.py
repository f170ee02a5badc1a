"""``manage.py sync_index``: update the search index without collecting."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.runs import allowed_seconds, time_limit
from core.search.sync import sync
from core.trackers import document_sources

BUSY, PARTIAL = 75, 3


class Command(ReportingCommand):
    """Index all stored documents that are not up to date in the search index."""

    help = "Bring the search index up to date with the collected data."
    examples = ("sync_index", "sync_index --source github --max-seconds 600", "sync_index --wait")
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "up to date", 1: "failed", 2: "wrong usage or configuration", 3: "some documents are not indexed yet",
        75: "another process is indexing all waiting documents; the output names it",
    }  # fmt: skip

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the source, the time limit and the output options."""
        parser.add_argument("--source", help="Index documents of this source only, such as github or discord.")
        parser.add_argument(
            "--max-seconds", type=float, metavar="S", help="Stop cleanly after S seconds; run again to continue."
        )
        parser.add_argument(
            "--wait", type=float, nargs="?", const=60.0, metavar="S",
            help="Then wait until searches find the changes, at most S seconds (default: 60).",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Index the changed documents, and print the result."""
        with time_limit(allowed_seconds(options)), shown_progress(None) as progress:
            result = sync(
                document_sources(options["source"]),
                max_seconds=options["max_seconds"],
                progress=counted(progress, "search index"),
                wait=options["wait"],
            )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"search index: {result.in_words()}")
        self.exit_code = BUSY if result.idle else PARTIAL if result.remaining or not result.fresh else 0
