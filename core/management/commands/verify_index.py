"""``manage.py verify_index``: compare the search index, its ledger and the documents."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.operations.output import number_of
from core.search.namespaces import Target, serving
from core.search.sync import sync
from core.search.verifying import Differences, differences, queue_repair, remove_foreign
from core.trackers import document_sources

WAIT = 60.0
"""Maximum seconds to wait until the index lists repaired chunks. Pinecone lists written chunks only after a delay."""


class Command(ReportingCommand):
    """Compare the index with the ledger and the documents, and repair differences with ``--repair``."""

    help = "Compare the search index with the ledger and the documents."
    examples = (
        "verify_index",
        "verify_index --repair",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the index, the ledger and the documents agree",
        1: "failed",
        2: "wrong configuration",
        3: "there are differences, or documents were refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options ``--repair`` and ``--json``."""
        parser.add_argument(
            "--repair", action="store_true", help="Rewrite chunks that differ, and remove unknown chunks."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare the index with the ledger, and repair differences if ``--repair`` is set."""
        if (target := serving()) is None:
            self._print_nothing(as_json=options["json"])
            return
        result, repaired = differences(target), 0
        # Repair waiting documents too, because an interrupted repair may have queued them.
        if options["repair"] and (result.wrong or result.waiting):
            repaired = self._repair(target)
            result = differences(target)
        if options["json"]:
            report = asdict(result) | {"wrong": result.wrong, "repaired": repaired, "namespace": target.namespace.name}
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(in_words(result, repaired))
        self.exit_code = 3 if result.wrong or result.failed else 0

    @staticmethod
    def _repair(target: Target) -> int:
        """Repair the index with stored vectors.

        Returns the number of repaired documents plus removed unknown chunks.
        """
        removed = remove_foreign(target)
        queued = queue_repair(target)
        with shown_progress(None) as progress:
            sync(document_sources(), progress=counted(progress, "search index"), wait=WAIT)
        return removed + queued

    def _print_nothing(self, *, as_json: bool) -> None:
        self.stdout.write('{"wrong": 0, "documents": 0}' if as_json else "nothing is indexed yet: run sync_index")


def in_words(result: Differences, repaired: int) -> str:
    """Return the result as readable lines."""
    repairs = [f"{repaired:,} repaired"] if repaired else []
    if not result.wrong:
        size = f"{number_of(result.documents, 'document')}, {number_of(result.chunks, 'chunk')}"
        waiting = [f"{number_of(result.waiting, 'document')} to index: run sync_index"] if result.waiting else []
        failed = [f"{number_of(result.failed, 'document')} refused, see the index entries"] if result.failed else []
        return "; ".join([f"the index matches the ledger: {size}", *repairs, *waiting, *failed])
    chunks = f"{number_of(result.gaps, 'chunk')} missing, {result.orphans:,} too many"
    counts = f"{chunks}, {number_of(result.stale, 'document')} stale"
    names = [*result.differing, *result.foreign]
    return "\n  ".join(["; ".join([counts, *repairs, "run verify_index --repair"]), *names])
