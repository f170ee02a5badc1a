"""``manage.py export_activity``: write the timeline as JSON lines or CSV."""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from core.collectors import ReportingCommand
from core.collectors.command import aware_date
from core.db.limits import MAINTENANCE
from core.errors import ConfigurationError
from core.ingest.timeline_move import rows_to_move
from core.models import Activity
from core.operations.files import PRIVATE, open_atomic
from core.operations.output import number_of, size_in_words
from core.operations.visible import ExactText, json_text
from core.timeline import add_texts, all_activities, in_scopes_named, of_source, of_type
from core.trackers import installed_trackers

BATCH = 2000
FIELDS = (
    "source_system", "external_id", "occurred_at", "activity_type", "actor_external_id", "source_url", "summary",
    "scope", "thread", "actor_name", "edited_at", "deleted_at",
)  # fmt: skip

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters with which spreadsheets start a formula, including full-width characters of East Asian keyboards."""


class Command(ReportingCommand):
    """Export activities, oldest first."""

    database_limits = MAINTENANCE
    exact_output = True
    help = "Write the timeline as JSON lines or CSV, oldest first."
    examples = (
        "export_activity --output activity.jsonl",
        "export_activity --scope owner/name --since 2024-01-01 --format csv --output 2024.csv",
        "export_activity --type github.issue_comment --bodies",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the filters and the output options."""
        parser.add_argument("--source", help="Only this source, such as github or discord.")
        parser.add_argument("--scope", help="Only this repository (owner/name) or channel (server/channel).")
        parser.add_argument("--since", type=aware_date, help="From the beginning of this day on (YYYY-MM-DD, UTC).")
        parser.add_argument("--until", type=aware_date, help="Before the beginning of this day (YYYY-MM-DD, UTC).")
        parser.add_argument("--type", help="Only this type, such as github.issue_comment or discord.reply.")
        parser.add_argument(
            "--format", choices=["jsonl", "csv"], default="jsonl", help="One JSON object per line, or CSV."
        )
        parser.add_argument(
            "--output",
            type=Path,
            help="Write to this file, which only its owner can read (default: standard output).",
        )
        parser.add_argument("--bodies", action="store_true", help="Add the full text of each activity as body.")
        parser.add_argument(
            "--keep-formulas", action="store_true",
            help="CSV: do not put an apostrophe before texts that a spreadsheet would calculate as formulas.",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the activities that match the filters."""
        if left := rows_to_move():
            raise ConfigurationError(
                f"{left:,} activities of the earlier release would be missing. Run move_timeline first."
            )
        conditions = {"occurred_at__gte": options["since"], "occurred_at__lt": options["until"]}
        activities = all_activities().filter(**{name: at for name, at in conditions.items() if at is not None})
        for option, condition in (("source", of_source), ("scope", in_scopes_named), ("type", of_type)):
            if options[option] is not None:
                activities = activities.filter(condition(options[option]))
        activities = activities.order_by("occurred_at", "pk")
        rows = _rows(activities.iterator(chunk_size=BATCH), bodies=options["bodies"])
        target: Path | None = options["output"]
        with open_atomic(target, mode=PRIVATE) if target else nullcontext(self.stdout) as file:
            if options["format"] == "csv":
                columns = [*FIELDS, "body"] if options["bodies"] else list(FIELDS)
                number = _write_csv(rows, file, columns, guard=not options["keep_formulas"])
            else:
                at_terminal = not target and self.stdout.isatty()
                number = _write_json(rows, file, as_text=json_text if at_terminal else json.dumps)
        if target:
            size = size_in_words(target.stat().st_size)
            self.stdout.write(f"{target}: {number_of(number, 'activity')}, {size}")


def _rows(activities: Iterator[Activity], *, bodies: bool) -> Iterator[dict[str, Any]]:
    trackers = {tracker.source_system: tracker for tracker in installed_trackers()}
    while batch := list(islice(activities, BATCH)):
        texts: dict[str, str] = {}
        for system, tracker in trackers.items() if bodies else ():
            ids = [activity.external_id for activity in batch if activity.source_system == system]
            texts |= tracker.bodies(ids) if ids else {}
        for activity in add_texts(batch):
            row = {name: _plain(getattr(activity, name)) for name in FIELDS if name != "scope"}
            row["scope"] = activity.scope.name
            yield row | ({"body": texts.get(activity.external_id, "")} if bodies else {})


def _plain(value: object) -> object:
    """Return a time as ISO 8601 in UTC with ``Z``, and any other value unchanged."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _write_json(rows: Iterable[Mapping[str, Any]], file: IO[str] | Any, as_text: Callable[..., str]) -> int:
    """Write each row as a JSON object on its own line, and return the number of rows."""
    number = 0
    for number, row in enumerate(rows, start=1):  # noqa: B007  (the number of rows is returned)
        file.write(ExactText(f"{as_text(row, ensure_ascii=False)}\n"))
    return number


def _write_csv(rows: Iterable[Mapping[str, Any]], file: IO[str] | Any, columns: Sequence[str], *, guard: bool) -> int:
    """Write a header and all rows, and return the number of rows."""
    number = 0
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    for number, row in enumerate(rows, start=1):  # noqa: B007  (as above)
        writer.writerow({name: without_formula(value) for name, value in row.items()} if guard else row)
    return number


def without_formula(value: object) -> object:
    """Return the value of a cell, with an apostrophe before it if spreadsheets would calculate it as a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
