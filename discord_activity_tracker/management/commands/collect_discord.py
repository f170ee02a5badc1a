"""``manage.py collect_discord``: options, and nothing else."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from core.collectors import BaseCollectorCommand
from core.collectors.command import aware_date
from discord_activity_tracker.collector import CollectOptions, DiscordCollector


class Command(BaseCollectorCommand):
    """Collects what people said in Discord guilds, then brings the search index up to date."""

    help = "Collect what people said in Discord guilds, then bring the search index up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what only Discord has."""
        super().add_arguments(parser)
        parser.add_argument(
            "guilds",
            nargs="*",
            metavar="guild_id",
            help="Guilds to collect; without any, those enabled in the admin and in DISCORD_GUILDS, "
            "else all that the bot was invited to.",
        )
        parser.add_argument("--channel", type=int, metavar="ID", help="Only this channel with its threads.")
        parser.add_argument("--since", type=aware_date, help="A first run begins here (YYYY-MM-DD, UTC).")
        parser.add_argument("--full", action="store_true", help="Read every list and every message again.")
        parser.add_argument(
            "--sweep", action="store_true", help="Also look through all that is kept for edits and deletions."
        )
        parser.add_argument(
            "--reactors",
            action=BooleanOptionalAction,
            default=False,
            help="Also keep who reacted: one request or more for each message whose reactions changed.",
        )

    def get_collector(self, **options: Any) -> DiscordCollector:
        """Build the collector that the options ask for."""
        return DiscordCollector(
            CollectOptions(
                guilds=options["guilds"],
                channel=options["channel"],
                since=options["since"],
                full=options["full"],
                sweep=options["sweep"],
                reactors=options["reactors"],
                max_requests=options["max_requests"],
                max_seconds=options["max_seconds"],
            )
        )
