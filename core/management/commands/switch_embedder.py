"""``manage.py switch_embedder``: move the index to the model that EMBEDDER names."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.collectors.time_limit import allowed_seconds, time_limit
from core.db.limits import MAINTENANCE
from core.errors import ScopeBusy
from core.runs import scope_lock
from core.search.switching import SwitchResult, switch
from core.trackers import document_sources


class Command(ReportingCommand):
    """Fills a namespace of the new model while the old one serves; nothing is rendered or collected again."""

    database_limits = MAINTENANCE
    help = "Move the search index to the model of EMBEDDER and EMBEDDING_MODEL, while the old one serves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add how long."""
        parser.add_argument(
            "--max-seconds", type=float, metavar="S", help="Stop after so many seconds; run again to go on."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill, change places, drop."""
        limit = time_limit(allowed_seconds(options))
        with limit, scope_lock("switch_embedder", "index") as held, shown_progress(None) as shown:
            if not held:
                raise ScopeBusy("another switch_embedder is running; it will do")
            result = switch(
                document_sources(), max_seconds=options["max_seconds"], progress=counted(shown, "switch_embedder")
            )
        self.stdout.write(json.dumps(asdict(result)) if options["json"] else in_words(result))
        self.exit_code = 0 if result.switched and not result.remaining else 3


def in_words(result: SwitchResult) -> str:
    """One line for people."""
    if not result.switched:
        return f"{result.remaining} documents are still to be filled in; the old model serves. Run again to go on."
    told = f"{result.embedder} serves; {result.chunks_embedded} chunks embedded, {result.seconds:.1f} s"
    return f"{told}; {result.remaining} documents were refused" if result.remaining else told
