"""``manage.py import_discord_export``: options, and nothing else."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.collectors import BaseCollectorCommand
from discord_activity_tracker.collector.importer import ExportImporter


class Command(BaseCollectorCommand):
    """Imports JSON files of DiscordChatExporter, then brings the search index up to date."""

    help = "Import JSON files that DiscordChatExporter wrote, for history that a bot cannot reach."
    examples = (
        "import_discord_export exports/*.json",
        "import_discord_export exports/general.json --dry-run",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what only an import has."""
        super().add_arguments(parser)
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="JSON files that DiscordChatExporter wrote."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Store nothing; read the files and print what is new in them."
        )

    def get_collector(self, **options: Any) -> ExportImporter:
        """Build the importer that the options ask for."""
        paths = [Path(path) for path in options["files"]]
        return ExportImporter(paths, dry_run=options["dry_run"], max_seconds=options["max_seconds"])
