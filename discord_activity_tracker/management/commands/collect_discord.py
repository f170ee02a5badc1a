"""``manage.py collect_discord``: the command line of the collector."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from core.collectors import BaseCollectorCommand
from core.collectors.command import aware_date
from discord_activity_tracker.collector.collector import DiscordCollector
from discord_activity_tracker.collector.run import CollectOptions


class Command(BaseCollectorCommand):
    """Collect messages of Discord guilds, then update the search index."""

    help = "Collect messages from Discord servers, then update the search index."
    examples = (
        "collect_discord",
        "collect_discord 123456789012345678 --estimate",
        "collect_discord --channel 123456789012345678 --since 2024-01-01",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command."""
        super().add_arguments(parser)
        parser.add_argument(
            "guilds",
            nargs="*",
            metavar="server_id",
            help="Ids of servers to collect. Default: the servers enabled in the admin or listed in DISCORD_GUILDS, "
            "or else every server that the bot is in.",
        )
        parser.add_argument(
            "--channel", type=int, metavar="ID", help="Collect only the channel with this id and its threads."
        )
        parser.add_argument(
            "--since",
            type=aware_date,
            metavar="DATE",
            help="In the first run, collect no messages from before this date (YYYY-MM-DD, UTC).",
        )
        parser.add_argument(
            "--full", action="store_true", help="Read every list and every message again. Nothing is stored twice."
        )
        parser.add_argument(
            "--sweep", action="store_true", help="Also find edits and deletions among all stored messages."
        )
        parser.add_argument(
            "--reactors",
            action=BooleanOptionalAction,
            default=False,
            help="Also collect the people who reacted. Needs at least one request for each message with changed "
            "reactions.",
        )

    def get_collector(self, **options: Any) -> DiscordCollector:
        """Return a collector with these options."""
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
