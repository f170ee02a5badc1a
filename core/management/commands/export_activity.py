"""``manage.py export_activity``: the timeline as JSON lines or CSV."""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from core.collectors import ReportingCommand
from core.collectors.command import aware_date
from core.db.limits import MAINTENANCE
from core.models import Activity
from core.operations.files import open_atomic
from core.operations.words import number_of, size_in_words
from core.trackers import installed_trackers

BATCH = 2000
FIELDS = (
    "source_system", "external_id", "occurred_at", "activity_type", "actor_external_id", "source_url", "summary",
    "scope", "thread", "actor_name", "edited_at", "deleted_at",
)  # fmt: skip


class Command(ReportingCommand):
    """Exports activities, the oldest first."""

    database_limits = MAINTENANCE
    help = "Write the timeline as JSON lines or CSV, the oldest first."
    examples = (
        "export_activity --output activity.jsonl",
        "export_activity --scope owner/name --since 2024-01-01 --format csv --output 2024.csv",
        "export_activity --type github.issue_comment --bodies",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add filters and form."""
        parser.add_argument("--source", help="Only this source, such as github or discord.")
        parser.add_argument("--scope", help="Only this repository (owner/name) or channel (server/channel).")
        parser.add_argument("--since", type=aware_date, help="From the beginning of this day on (YYYY-MM-DD, UTC).")
        parser.add_argument("--until", type=aware_date, help="Before the beginning of this day (YYYY-MM-DD, UTC).")
        parser.add_argument("--type", help="Only this type, such as github.issue_comment or discord.reply.")
        parser.add_argument(
            "--format", choices=["jsonl", "csv"], default="jsonl", help="One JSON object a line, or CSV."
        )
        parser.add_argument(
            "--output", type=Path, help="Write to this file, whole or not at all; the default is standard output."
        )
        parser.add_argument("--bodies", action="store_true", help="Add the full texts in the column body.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stream everything that the filters keep."""
        wanted = {
            "source_system": options["source"], "scope__name__iexact": options["scope"],
            "occurred_at__gte": options["since"], "occurred_at__lt": options["until"], "activity_type": options["type"],
        }  # fmt: skip
        conditions = {name: value for name, value in wanted.items() if value is not None}
        found = Activity.objects.filter(**conditions).select_related("scope").order_by("occurred_at", "pk")
        rows = _rows(found.iterator(chunk_size=BATCH), bodies=options["bodies"])
        target: Path | None = options["output"]
        with open_atomic(target) if target else nullcontext(self.stdout) as file:
            number = _write(rows, file, options["format"], bodies=options["bodies"])
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
        for activity in batch:
            row = {name: _plain(getattr(activity, name)) for name in FIELDS if name != "scope"}
            row["scope"] = activity.scope.name
            yield row | ({"body": texts.get(activity.external_id, "")} if bodies else {})


def _plain(value: object) -> object:
    """Times as ISO 8601 in UTC with ``Z``; everything else as it is."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _write(rows: Iterable[Mapping[str, Any]], file: IO[str] | Any, form: str, *, bodies: bool) -> int:
    """Write every row and return their number."""
    number = 0
    if form == "csv":
        writer = csv.DictWriter(file, [*FIELDS, "body"] if bodies else list(FIELDS))
        writer.writeheader()
        for number, row in enumerate(rows, start=1):  # noqa: B007  (the number of rows is returned)
            writer.writerow(row)
        return number
    for number, row in enumerate(rows, start=1):  # noqa: B007  (as above)
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return number
