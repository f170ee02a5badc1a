"""``manage.py verify_index``: does the index hold what the ledger says, and the ledger what the documents say?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.search.namespaces import Target, serving
from core.search.sync import sync
from core.search.verifying import Differences, differences, queue_repair, remove_foreign
from core.trackers import document_sources

WAIT = 60.0
"""Seconds that an index has to show what a repair wrote."""


class Command(ReportingCommand):
    """Compares; with ``--repair`` mends what differs."""

    help = "Compare the search index with the ledger and the documents. Exit code 3: they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to do about it."""
        parser.add_argument("--repair", action="store_true", help="Write again what differs, remove what is too much.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and repair if asked."""
        if (target := serving()) is None:
            self._print_nothing(as_json=options["json"])
            return
        found, repaired = differences(target), 0
        if found.wrong and options["repair"]:
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
            sync(document_sources(), progress=counted(shown, "index"), wait=WAIT)
        return removed + queued

    def _print_nothing(self, *, as_json: bool) -> None:
        self.stdout.write('{"wrong": 0, "documents": 0}' if as_json else "nothing is indexed yet: run sync_index")


def in_words(found: Differences, repaired: int) -> str:
    """A few lines for people."""
    mended = [f"{repaired} mended"] if repaired else []
    if not found.wrong:
        told = f"the index is as the ledger says: {found.documents} documents, {found.chunks} chunks"
        waiting = [f"{found.waiting} wait for sync_index"] if found.waiting else []
        failed = [f"{found.failed} were refused, see the index entries"] if found.failed else []
        return "; ".join([told, *mended, *waiting, *failed])
    counts = f"{found.gaps} chunks missing, {found.orphans} too many, {found.stale} documents stale"
    names = [*found.differing, *found.foreign]
    return "\n  ".join(["; ".join([counts, *mended, "mend it with --repair"]), *names])
