"""``manage.py verify_index``: does the index hold what the ledger says, and the ledger what the documents say?"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.operations.words import number_of
from core.search.namespaces import Target, serving
from core.search.sync import sync
from core.search.verifying import Differences, differences, queue_repair, remove_foreign
from core.trackers import document_sources

WAIT = 60.0
"""Seconds that an index has to show what a repair wrote."""


class Command(ReportingCommand):
    """Compares; with ``--repair`` mends what differs."""

    help = "Compare the search index with the ledger and the documents."
    examples = (
        "verify_index",
        "verify_index --repair",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "they agree",
        1: "failed",
        2: "wrong configuration",
        3: "they differ, or documents were refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to do about it."""
        parser.add_argument(
            "--repair", action="store_true", help="Write again what differs, and remove what should not be there."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and repair if asked."""
        if (target := serving()) is None:
            self._print_nothing(as_json=options["json"])
            return
        found, repaired = differences(target), 0
        # Waiting documents may be those that an interrupted repair queued.
        if options["repair"] and (found.wrong or found.waiting):
            repaired = self._repair(target)
            found = differences(target)
        if options["json"]:
            told = asdict(found) | {"wrong": found.wrong, "repaired": repaired, "namespace": target.namespace.name}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(in_words(found, repaired))
        self.exit_code = 3 if found.wrong or found.failed else 0

    @staticmethod
    def _repair(target: Target) -> int:
        """How many documents and foreign ids were mended. Vectors come from what is kept: nothing is embedded."""
        removed = remove_foreign(target)
        queued = queue_repair(target)
        with shown_progress(None) as shown:
            sync(document_sources(), progress=counted(shown, "search index"), wait=WAIT)
        return removed + queued

    def _print_nothing(self, *, as_json: bool) -> None:
        self.stdout.write('{"wrong": 0, "documents": 0}' if as_json else "nothing is indexed yet: run sync_index")


def in_words(found: Differences, repaired: int) -> str:
    """Return a few lines for people."""
    mended = [f"{repaired:,} repaired"] if repaired else []
    if not found.wrong:
        size = f"{number_of(found.documents, 'document')}, {number_of(found.chunks, 'chunk')}"
        waiting = [f"{number_of(found.waiting, 'document')} to index: run sync_index"] if found.waiting else []
        failed = [f"{number_of(found.failed, 'document')} refused, see the index entries"] if found.failed else []
        return "; ".join([f"the index is as the ledger says: {size}", *mended, *waiting, *failed])
    chunks = f"{number_of(found.gaps, 'chunk')} missing, {found.orphans:,} too many"
    counts = f"{chunks}, {number_of(found.stale, 'document')} stale"
    names = [*found.differing, *found.foreign]
    return "\n  ".join(["; ".join([counts, *mended, "repair it with --repair"]), *names])
