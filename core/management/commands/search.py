"""``manage.py search "words"``: where did we discuss this?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from core.collectors import ReportingCommand
from core.collectors.command import aware_date
from core.search.query import Filters, Hit, search


class Command(ReportingCommand):
    """Finds documents by meaning and by words."""

    help = "Find where something was discussed, by meaning and by words."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add words and filters."""
        parser.add_argument("words", nargs="+")
        parser.add_argument("--source", help="Only this source, such as github.")
        parser.add_argument("--kind", help="Only this kind: issue, pull_request, commit.")
        parser.add_argument("--scope", help="Only this repository (owner/name) or channel.")
        parser.add_argument("--author", help="Only what this account began.")
        parser.add_argument("--since", type=aware_date, help="From this day on (YYYY-MM-DD, UTC).")
        parser.add_argument("--until", type=aware_date, help="Before this day (YYYY-MM-DD, UTC).")
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--mode", choices=["hybrid", "text", "dense"], default="hybrid")
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Search and print."""
        names = ("source", "kind", "scope", "author", "since", "until")
        filters = Filters(**{name: options[name] for name in names})
        words = " ".join(options["words"])
        hits = search(words, mode=options["mode"], filters=filters, limit=options["limit"])
        if options["json"]:
            self.stdout.write(
                json.dumps({"query": words, "hits": [asdict(hit) for hit in hits]}, default=str, ensure_ascii=False)
            )
            return
        for number, hit in enumerate(hits, start=1):
            self.stdout.write(self._shown(number, hit))
        if not hits:
            self.stdout.write("Nothing found. Collect first (collect_github), or use other words.")

    def _shown(self, number: int, hit: Hit) -> str:
        date = f"{hit.occurred_at:%Y-%m-%d}" if hit.occurred_at else "no date"
        snippet = hit.snippet.replace("[[", "").replace("]]", "")
        title = self.style.MIGRATE_HEADING(hit.title)
        return f"{number}. {title}\n   {hit.kind} in {hit.scope} by {hit.author}, {date}  {hit.url}\n   {snippet}"
