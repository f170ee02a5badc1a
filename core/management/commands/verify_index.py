"""``manage.py verify_index``: compare the search index, its ledger and the documents."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.collectors.progress import counted, shown_progress
from core.operations.output import number_of
from core.operations.visible import visible_line
from core.search.namespaces import Target, serving
from core.search.repairing import repair
from core.search.updates import combined_version
from core.search.verifying import KINDS, Differences, Found, differences
from core.trackers import document_sources

ROUNDS = 3
"""Maximum number of repairs in one call. The first repair may reveal further differences, such as vectors after the
last chunk of a document whose number of chunks was wrong. More rounds would repeat repairs that have no effect."""


class Command(ReportingCommand):
    """Compare the index with the ledger and the stored chunks, and repair differences with ``--repair``."""

    help = "Compare the search index with the ledger and the stored chunks."
    examples = (
        "verify_index",
        "verify_index --repair",
        "verify_index --deep",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the index, the ledger and the documents agree",
        1: "failed",
        2: "wrong configuration",
        3: "there are differences, or documents were refused",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options ``--repair``, ``--deep`` and ``--json``."""
        parser.add_argument(
            "--repair", action="store_true", help="Write only what differs, and remove unknown vectors and namespaces."
        )
        parser.add_argument(
            "--deep", action="store_true", help="Also read values and metadata back from Pinecone and compare them."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare the index with the ledger and the database, and repair differences if ``--repair`` is set."""
        if (target := serving()) is None:
            self._print_nothing(as_json=options["json"])
            return
        sources, deep, repaired = document_sources(), options["deep"], 0
        versions = {source.source_system: combined_version(source) for source in sources}
        with shown_progress(None) as progress:

            def compare() -> Differences:
                return differences(target, versions, deep=deep, progress=counted(progress, "verifying"))

            result = compare()
            # Repair waiting and refused documents too, because an interrupted repair may have queued them.
            for _ in range(ROUNDS if options["repair"] else 0):
                if not result.wrong + result.waiting + result.failed:
                    break
                repaired += repair(target, sources, counted(progress, "search index"))
                result = compare()
                if not result.wrong:
                    break
        if options["json"]:
            self.stdout.write(json.dumps(as_json(result, repaired, target)))
        else:
            self.stdout.write(in_words(result, repaired))
        self.exit_code = 3 if result.wrong or result.failed else 0

    def _print_nothing(self, *, as_json: bool) -> None:
        self.stdout.write('{"wrong": 0, "documents": 0}' if as_json else "nothing is indexed yet: run sync_index")


def as_json(result: Differences, repaired: int, target: Target) -> dict[str, Any]:
    """Return the result as values that can be written as JSON."""
    sums = {name: getattr(result, name) for name in ("gaps", "orphans", "stale", "wrong")}
    return asdict(result) | sums | {"repaired": repaired, "namespace": target.namespace.name}


def in_words(result: Differences, repaired: int) -> str:
    """Return the result as readable lines."""
    repairs = [f"{repaired:,} repaired"] if repaired else []
    others = [f"other namespaces in the Pinecone index: {', '.join(result.other_namespaces)}"]
    notes = others if result.other_namespaces else []
    notes += [] if result.deep else ["values and metadata were not compared: run verify_index --deep"]
    if not result.wrong:
        size = f"{number_of(result.documents, 'document')}, {number_of(result.chunks, 'chunk')}"
        waiting = [f"{number_of(result.waiting, 'document')} to index: run sync_index"] if result.waiting else []
        failed = [f"{number_of(result.failed, 'document')} refused, see the index entries"] if result.failed else []
        first = "; ".join([f"the index matches the ledger: {size}", *repairs, *waiting, *failed])
        return "\n  ".join(map(visible_line, [first, *notes]))
    count = number_of(result.wrong, "difference")
    advice = "run verify_index --repair again" if repaired else "run verify_index --repair"
    first = "; ".join([f"{count} in {number_of(result.documents, 'document')}", *repairs, advice])
    lines = [first, *(_line(kind, found) for kind, found in result.kinds.items()), *notes]
    return "\n  ".join(map(visible_line, lines))  # names in the index may contain any characters


def _line(kind: str, found: Found) -> str:
    rest = found.count - len(found.names)
    names = [*found.names, *([f"and {rest:,} more"] if rest else [])]
    return f"{KINDS[kind]}: {found.count:,} ({', '.join(names)})"
