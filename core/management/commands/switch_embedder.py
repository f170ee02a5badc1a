"""``manage.py switch_embedder``: switch the search index to the model in EMBEDDER."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.db.limits import MAINTENANCE
from core.errors import ScopeBusy
from core.operations.output import duration_in_words, number_of
from core.runs import allowed_seconds, scope_lock, time_limit
from core.search.switching import SwitchResult, switch
from core.trackers import document_sources


class Command(ReportingCommand):
    """Fill a namespace for the new model while the old namespace serves queries.

    The stored chunks are embedded again. Documents are neither collected nor rendered again.
    """

    database_limits = MAINTENANCE
    help = "Switch the search index to the model in EMBEDDER and EMBEDDING_MODEL. The old model serves until then."
    examples = (
        "switch_embedder",
        "switch_embedder --max-seconds 3600",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the new model serves",
        1: "failed",
        2: "wrong configuration",
        3: "some documents are not embedded yet; run again",
        75: "another switch_embedder is running",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the time limit and the option ``--json``."""
        parser.add_argument(
            "--max-seconds", type=float, metavar="S", help="Stop cleanly after S seconds; run again to continue."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill the new namespace, let it serve queries, and drop the old namespace.

        Raises ScopeBusy if another process is switching.
        """
        limit = time_limit(allowed_seconds(options))
        with limit, scope_lock("switch_embedder", "index") as held, shown_progress(None) as progress:
            if not held:
                raise ScopeBusy("another switch_embedder is running and will finish the switch")
            result = switch(
                document_sources(), max_seconds=options["max_seconds"], progress=counted(progress, "switch_embedder")
            )
        self.stdout.write(json.dumps(asdict(result)) if options["json"] else in_words(result))
        self.exit_code = 0 if result.switched and not result.remaining else 3


def in_words(result: SwitchResult) -> str:
    """Return the result as one readable line."""
    if not result.switched:
        left = number_of(result.remaining, "document")
        return f"{left} left to embed; the old model still serves. Run again to continue."
    chunks = f"{number_of(result.chunks_embedded, 'chunk')} embedded, {duration_in_words(result.seconds)}"
    refused = f"; {number_of(result.remaining, 'document')} refused" if result.remaining else ""
    return f"{result.embedder} serves; {chunks}{refused}"
