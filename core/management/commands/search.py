"""``manage.py search "words"``: find the documents in which something was discussed."""

import shutil
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any
from unicodedata import combining, east_asian_width

from django.core.management.base import CommandError

from core.collectors import ReportingCommand
from core.collectors.command import aware_date
from core.errors import ConfigurationError
from core.models import Chunk
from core.operations.markdown import title_text, without_markup
from core.operations.visible import ExactText, json_text, visible_line
from core.search.filters import Filters
from core.search.query.distribution import Distribution
from core.search.query.results import Result, nearby_passages
from core.search.query.search import Answer, answer, similar_documents
from core.search.query.unknown_values import unmatched_filter

NOTHING_INDEXED = (
    "Nothing is indexed yet. Collect first (collect_github), or run sync_index if you collected with --no-sync."
)
FILTERS = ("source", "kind", "scope", "author", "since", "until")
MAX_LIMIT = 200
"""Maximum number of results of one query. The search pages have the same limit (``MAX_RESULTS``)."""
WORDS_HELP = (
    'What to look for: words or a question. Operators: "exact words", -without, author:, repo:, channel:, label:, '
    "is:open|closed|merged|answered|unanswered, type:, source:, after:, before:, sort:newest|oldest. Quote the query, "
    "and write -- before a query that begins with a minus."
)
INDENT = "   "
SNIPPET_LINES = 3
"""Maximum number of lines of a snippet at a terminal.

The consecutive lines with the most matching characters are shown. With more lines, fewer results would fit on a screen.
"""
NEARBY_LENGTH = 200
"""Maximum number of characters of a passage near a result. Longer passages would hide the results between them."""
Cell = tuple[str, bool]
"""A character, and whether it belongs to a match."""


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
        "search crash author:ada is:open after:2024-05 sort:newest",
        """search '"exact words" type:pr label:bug'""",
        "search --like github:issue:123:45",
    )

    requires_system_checks: Any = ()
    """No system checks run. They would load the admin, which would make each search slower."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the query, the filters and the output options."""
        parser.add_argument("words", nargs="*", help=WORDS_HELP)
        parser.add_argument("--like", metavar="ID", help="Find documents like this one, such as github:issue:123:45.")
        parser.add_argument("--source", help="Only this source, such as github or discord.")
        parser.add_argument(
            "--kind", help="Only this kind: issue, pull_request, discussion, commit, release, conversation."
        )
        parser.add_argument("--scope", help="Only this repository (owner/name) or channel (server/channel).")
        parser.add_argument("--author", help="Only what this account wrote or started.")
        parser.add_argument("--since", type=aware_date, help="From the beginning of this day on (YYYY-MM-DD, UTC).")
        parser.add_argument("--until", type=aware_date, help="Before the beginning of this day (YYYY-MM-DD, UTC).")
        parser.add_argument(
            "--limit",
            type=_limit,
            default=10,
            metavar="N",
            help=f"Show N results, at most {MAX_LIMIT} (default: 10).",
        )
        parser.add_argument(
            "--mode",
            choices=["hybrid", "text", "dense"],
            default="hybrid",
            help="Search by words (text), by meaning (dense) or by both (hybrid, the default).",
        )
        parser.add_argument(
            "--around", type=int, default=0, metavar="N", help="Also show N passages before and after each result."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Search, and print the results.

        Raises ConfigurationError for invalid options, and CommandError if nothing is indexed.
        """
        words, filters = " ".join(options["words"]), Filters(**{name: options[name] for name in FILTERS})
        if bool(words.strip()) == bool(options["like"]):
            raise ConfigurationError("Give either words to search for, or --like with the id of a document.")
        if filters.since and filters.until and filters.since >= filters.until:
            raise ConfigurationError("--since must be before --until.")
        if not Chunk.objects.exists():
            raise CommandError(NOTHING_INDEXED)
        if message := unmatched_filter(filters):
            raise ConfigurationError(message)
        if options["like"]:
            query_answer = Answer(results=self._similar(options["like"], filters, options["limit"]))
        else:
            query_answer = answer(
                words, mode=options["mode"], filters=filters, limit=options["limit"], count=options["json"]
            )
        self._print(words or options["like"], query_answer, options)

    def _similar(self, external_id: str, filters: Filters, limit: int) -> list[Result]:
        try:
            return similar_documents(external_id, filters=filters, limit=limit)
        except LookupError as error:
            raise ConfigurationError(f"{error.args[0]} 'search --json' shows the ids of documents.") from error

    def _print(self, query: str, query_answer: Answer, options: dict[str, Any]) -> None:
        reach, results = max(0, options["around"]), query_answer.results
        if options["json"]:
            hits = [asdict(hit) | ({"around": self._around(hit, reach)} if reach else {}) for hit in results]
            for hit in hits:
                del hit["fragments"]
            whole = {
                "query": query,
                "hits": hits,
                "problems": query_answer.problems,
                "corrections": query_answer.corrections,
            }
            whole |= {} if options["like"] else {"distribution": _counts(query_answer.distribution)}
            self.stdout.write(json_text(whole, default=str, ensure_ascii=False))
            return
        for problem in query_answer.problems:
            self.stderr.write(visible_line(problem))
        if query_answer.corrections:
            self.stderr.write(visible_line(f"Also searched for: {', '.join(query_answer.corrections.values())}"))
        for number, hit in enumerate(results, start=1):
            self.stdout.write(self._formatted(number, hit))
            for passage in self._around(hit, reach) if reach else ():
                self.stdout.write(self._nearby(passage))
        if not results:
            self.stdout.write("No results. Remove a filter or try different words.")

    def _around(self, hit: Result, reach: int) -> list[dict[str, Any]]:
        passages = nearby_passages(hit.source, hit.external_id, hit.ordinal, reach=reach)
        return [asdict(passage) for passage in passages]

    def _nearby(self, passage: dict[str, Any]) -> str:
        """Return the beginning of a passage near a result as one line, wrapped for a terminal."""
        text = " ".join(without_markup(str(passage["text"])).split())[:NEARBY_LENGTH]
        line = visible_line(f"{'>' if passage['here'] else '|'} {passage['origin']}: {text}")
        if not self.stdout.isatty():
            return f"{INDENT}{line}"
        wrapped = wrapped_cells([(line, False)], _room(INDENT + "  "))
        return INDENT + f"\n{INDENT}  ".join(map(_text, wrapped))

    def _formatted(self, number: int, hit: Result) -> str:
        """Return a result as lines of text that cannot move the cursor or colour the terminal.

        Files and pipes get three lines. For a terminal the lines are wrapped.
        """
        date = f"{hit.occurred_at:%Y-%m-%d}" if hit.occurred_at else "no date"
        about = f"{hit.kind.replace('_', ' ')} in {hit.scope} by {hit.author or 'an unknown author'}, {date}"
        title, about = visible_line(title_text(hit.title) or hit.external_id), visible_line(about)
        address = visible_line(hit.passage_url or hit.external_id)
        fragments = [(visible_line(text), matches) for text, matches in hit.fragments]
        if not self.stdout.isatty():
            snippet = "".join(self.style.SUCCESS(text) if matches else text for text, matches in fragments)
            heading = self.style.MIGRATE_HEADING(title)
            return ExactText(f"{number}. {heading}\n{INDENT}{about}  {address}\n{INDENT}{snippet}")
        width = _room(INDENT)
        titles = [self.style.MIGRATE_HEADING(_text(line)) for line in wrapped_cells([(title, False)], width)]
        is_short = len(about) + 2 + len(address) <= width
        abouts = [_text(line) for line in wrapped_cells([(about, False)], width)]
        lines = [*titles, *([f"{about}  {address}"] if is_short else [*abouts, address])]
        lines += [self._coloured(line) for line in best_lines(wrapped_cells(fragments, width - len("… ")))]
        return ExactText(f"{number}. " + f"\n{INDENT}".join(lines))

    def _coloured(self, line: Sequence[Cell]) -> str:
        parts = ((matches, _text(list(cells))) for matches, cells in groupby(line, key=lambda cell: cell[1]))
        return "".join(self.style.SUCCESS(text) if matches else text for matches, text in parts)


def _counts(distribution: Distribution) -> dict[str, Any]:
    """Return the numbers of documents for JSON. Years are texts there."""
    counts = {name: dict(getattr(distribution, name)) for name in ("sources", "kinds", "years")}
    return {"total": distribution.total, "is_cut": distribution.is_cut} | counts


def wrapped_cells(fragments: Iterable[tuple[str, bool]], width: int) -> list[list[Cell]]:
    """Return lines of at most ``width`` columns, wrapped between words. A word that is wider than a line is split."""
    cells = [(character, matches) for text, matches in fragments for character in text]
    lines: list[list[Cell]] = [[]]
    for is_space, group in groupby(cells, key=lambda cell: cell[0] == " "):
        word = list(group)
        if is_space:
            lines[-1] += word[:1] if lines[-1] else []
            continue
        if lines[-1] and _columns(lines[-1]) + _columns(word) > width:
            lines.append([])
        for cell in word:
            if _columns(lines[-1]) + _columns([cell]) > max(width, 2):
                lines.append([])
            lines[-1].append(cell)
    return [line[:-1] if line and line[-1][0] == " " else line for line in lines]


def best_lines(lines: Sequence[list[Cell]]) -> list[list[Cell]]:
    """Return the ``SNIPPET_LINES`` consecutive lines with the most matching characters. ``…`` marks omitted lines."""
    starts = range(max(1, len(lines) - SNIPPET_LINES + 1))
    start = max(starts, key=lambda at: sum(matches for line in lines[at : at + SNIPPET_LINES] for _, matches in line))
    chosen = [list(line) for line in lines[start : start + SNIPPET_LINES]]
    if start:
        chosen[0] = [("…", False), (" ", False), *chosen[0]]
    if start + SNIPPET_LINES < len(lines):
        chosen[-1] += [(" ", False), ("…", False)]
    return chosen


def _room(indent: str) -> int:
    """Return the number of terminal columns to the right of an indent, at least 20.

    The last column stays empty, because some terminals start a new line there.
    """
    return max(20, shutil.get_terminal_size().columns - 1 - len(indent))


def _columns(cells: Iterable[Cell]) -> int:
    """Return the number of columns that a terminal needs for these characters."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in {"W", "F"} else 1 for c, _ in cells)


def _text(cells: Iterable[Cell]) -> str:
    return "".join(character for character, _ in cells)
