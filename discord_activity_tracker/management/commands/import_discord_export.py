"""``manage.py import_discord_export``: the command line of the importer."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.collectors import BaseCollectorCommand
from discord_activity_tracker.collector.importer import ExportImporter


class Command(BaseCollectorCommand):
    """Import JSON files of DiscordChatExporter, then update the search index."""

    help = "Import JSON files that DiscordChatExporter wrote, for history that a bot cannot reach."
    examples = (
        "import_discord_export exports/*.json",
        "import_discord_export exports/general.json --dry-run",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command."""
        super().add_arguments(parser)
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="JSON files that DiscordChatExporter wrote."
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Read the files and print the number of new messages. Nothing is stored.",
        )

    def get_collector(self, **options: Any) -> ExportImporter:
        """Return an importer with these options."""
        paths = [Path(path) for path in options["files"]]
        return ExportImporter(paths, dry_run=options["dry_run"], max_seconds=options["max_seconds"])
