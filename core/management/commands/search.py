"""``manage.py search "words"``: find where something was discussed."""

from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from core.collectors import ReportingCommand
from core.collectors.command import aware_date
from core.errors import ConfigurationError
from core.models import Chunk
from core.operations.visible import ExactText, json_text, visible_line
from core.search.filters import Filters
from core.search.query.results import Result, nearby_passages
from core.search.query.search import search, similar_documents, unmatched_filter

NOTHING_INDEXED = (
    "Nothing is indexed yet. Collect first (collect_github), or run sync_index if you collected with --no-sync."
)
FILTERS = ("source", "kind", "scope", "author", "since", "until")
MAX_LIMIT = 200
"""Maximum number of results of one query. It equals ``core.search.query.search.MAX_RESULTS``, the limit of pages."""


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
        raise ArgumentTypeError(f"must be a number from 1 to {MAX_LIMIT}")
    return int(text)


class Command(ReportingCommand):
    """Find documents by meaning and by words. The exit code is 0 even without results."""

    help = "Find where something was discussed, by meaning and by words."
    examples = (
        'search "login loop on Safari"',
        "search wallet crash --scope owner/name --since 2024-01-01",
        "search --like github:issue:123:45",
    )

    requires_system_checks: Any = ()
    """System checks concern code, pages and collections. Loading the admin for them would make a search slower."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the query, the filters and the output options."""
        parser.add_argument("words", nargs="*", help="What to look for: words or a question.")
        parser.add_argument("--like", metavar="ID", help="More like this document, such as github:issue:123:45.")
        parser.add_argument("--source", help="Only this source, such as github or discord.")
        parser.add_argument(
            "--kind", help="Only this kind: issue, pull_request, discussion, commit, release, conversation."
        )
        parser.add_argument("--scope", help="Only this repository (owner/name) or channel (server/channel).")
        parser.add_argument("--author", help="Only threads that this account started.")
        parser.add_argument("--since", type=aware_date, help="From the beginning of this day on (YYYY-MM-DD, UTC).")
        parser.add_argument("--until", type=aware_date, help="Before the beginning of this day (YYYY-MM-DD, UTC).")
        parser.add_argument(
            "--limit", type=_limit, default=10, metavar="N", help=f"Show N results, at most {MAX_LIMIT} (10)."
        )
        parser.add_argument(
            "--mode",
            choices=["hybrid", "text", "dense"],
            default="hybrid",
            help="By words (text), by meaning (dense) or both.",
        )
        parser.add_argument(
            "--around", type=int, default=0, metavar="N", help="Also show N passages before and after each result."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Search, and print the results."""
        words, filters = " ".join(options["words"]), Filters(**{name: options[name] for name in FILTERS})
        if bool(words.strip()) == bool(options["like"]):
            raise ConfigurationError("Give words to search for, or --like with the id of a document.")
        if filters.since and filters.until and filters.since >= filters.until:
            raise ConfigurationError("--since must be before --until.")
        if not Chunk.objects.exists():
            raise CommandError(NOTHING_INDEXED)
        if message := unmatched_filter(filters):
            raise ConfigurationError(message)
        results = (
            self._similar(options["like"], filters, options["limit"])
            if options["like"]
            else search(words, mode=options["mode"], filters=filters, limit=options["limit"])
        )
        self._print(words or options["like"], results, options)

    def _similar(self, external_id: str, filters: Filters, limit: int) -> list[Result]:
        try:
            return similar_documents(external_id, filters=filters, limit=limit)
        except LookupError as error:
            raise ConfigurationError(f"{error.args[0]} 'search --json' shows the ids of documents.") from error

    def _print(self, query: str, results: list[Result], options: dict[str, Any]) -> None:
        reach = max(0, options["around"])
        if options["json"]:
            hits = [asdict(hit) | ({"around": self._around(hit, reach)} if reach else {}) for hit in results]
            for hit in hits:
                del hit["fragments"]
            self.stdout.write(json_text({"query": query, "hits": hits}, default=str, ensure_ascii=False))
            return
        for number, hit in enumerate(results, start=1):
            self.stdout.write(self._formatted(number, hit))
            for passage in self._around(hit, reach) if reach else ():
                marker = ">" if passage["here"] else "|"
                text = " ".join(str(passage["text"]).split())[:200]
                self.stdout.write(visible_line(f"   {marker} {passage['origin']}: {text}"))
        if not results:
            self.stdout.write("No results. Remove a filter or try different words.")

    def _around(self, hit: Result, reach: int) -> list[dict[str, Any]]:
        return [asdict(passage) for passage in nearby_passages(hit.external_id, hit.ordinal, reach=reach)]

    def _formatted(self, number: int, hit: Result) -> str:
        """Return a result as three lines, without control characters that could move the cursor or change colours."""
        date = f"{hit.occurred_at:%Y-%m-%d}" if hit.occurred_at else "no date"
        fragments = ((visible_line(text), matches) for text, matches in hit.fragments)
        snippet = "".join(self.style.SUCCESS(text) if matches else text for text, matches in fragments)
        title = self.style.MIGRATE_HEADING(visible_line(hit.title or hit.external_id))
        about = f"{hit.kind.replace('_', ' ')} in {hit.scope} by {hit.author or 'an unknown author'}, {date}"
        lines = [f"{number}. {title}", visible_line(f"   {about}  {hit.passage_url or hit.external_id}")]
        return ExactText("\n".join([*lines, f"   {snippet}"]))
