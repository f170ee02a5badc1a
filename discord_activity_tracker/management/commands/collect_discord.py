"""``manage.py collect_discord``: options, and nothing else."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from core.collectors import BaseCollectorCommand
from core.collectors.command import aware_date
from discord_activity_tracker.collector.collector import DiscordCollector
from discord_activity_tracker.collector.options import CollectOptions


class Command(BaseCollectorCommand):
    """Collects what people said in Discord guilds, then brings the search index up to date."""

    help = "Collect what people said in Discord servers, then bring the search index up to date."
    examples = (
        "collect_discord",
        "collect_discord 123456789012345678 --estimate",
        "collect_discord --channel 123456789012345678 --since 2024-01-01",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what only Discord has."""
        super().add_arguments(parser)
        parser.add_argument(
            "guilds",
            nargs="*",
            metavar="server_id",
            help="Ids of servers to collect; without any, those enabled in the admin or listed in DISCORD_GUILDS, "
            "else all that the bot was invited to.",
        )
        parser.add_argument(
            "--channel", type=int, metavar="ID", help="Collect only the channel with this id, with its threads."
        )
        parser.add_argument(
            "--since", type=aware_date, metavar="DATE", help="Collect nothing older in a first run (YYYY-MM-DD, UTC)."
        )
        parser.add_argument(
            "--full", action="store_true", help="Read every list and every message again; nothing is stored twice."
        )
        parser.add_argument(
            "--sweep", action="store_true", help="Also look for edits and deletions among all stored messages."
        )
        parser.add_argument(
            "--reactors",
            action=BooleanOptionalAction,
            default=False,
            help="Also collect who reacted: one request or more for each message whose reactions changed.",
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
