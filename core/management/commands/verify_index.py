"""``manage.py verify_index``: does the index hold what the ledger says?"""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from core.collectors import ReportingCommand
from core.models import IndexEntry
from core.search.indexes import get_index
from core.search.sync import sync
from core.trackers import document_sources


class Command(ReportingCommand):
    """Compares the ids in the index with the ledger."""

    help = "Compare the ids in the search index with the ledger; exit code 3 when they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to do about it."""
        parser.add_argument("--repair", action="store_true", help="Index again what differs.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and repair if asked."""
        wrong = self._differing()
        if wrong and options["repair"]:
            IndexEntry.objects.filter(index=settings.VECTOR_INDEX, document__external_id__in=wrong).update(
                state="dirty", content_hash="", high_water=9999, next_try_at=None
            )
            sync(document_sources())
            wrong = self._differing()
        if options["json"]:
            self.stdout.write(json.dumps({"differing": sorted(wrong)}))
        else:
            self.stdout.write(f"{len(wrong)} documents differ" if wrong else "the index is as the ledger says")
        self.exit_code = 3 if wrong else 0

    @staticmethod
    def _differing() -> set[str]:
        """External ids of documents of which the index holds other chunks than the ledger says."""
        held: dict[str, set[int]] = {}
        for vector_id in get_index().list_ids():
            document, _, ordinal = vector_id.rpartition("#")
            held.setdefault(document, set()).add(int(ordinal))
        entries = IndexEntry.objects.filter(index=settings.VECTOR_INDEX, state="clean")
        told = {
            name: set(range(chunks))
            for name, chunks in entries.values_list("document__external_id", "chunks").iterator(chunk_size=5000)
        }
        waiting = set(
            IndexEntry.objects.exclude(state="clean")
            .values_list("document__external_id", flat=True)
            .iterator(chunk_size=5000)
        )
        return {name for name in held.keys() | told.keys() if held.get(name, set()) != told.get(name, set())} - waiting
