"""``manage.py collect_github``: collects GitHub repositories. The package ``collector`` does the work."""

from argparse import ArgumentParser
from typing import Any

from core.collectors import BaseCollectorCommand
from core.collectors.command import aware_date
from github_activity_tracker.collector.collector import GitHubCollector
from github_activity_tracker.collector.run import CollectOptions
from github_activity_tracker.collector.streams import STREAMS


class Command(BaseCollectorCommand):
    """Collects the activities of people in GitHub repositories, then brings the search index up to date."""

    help = "Collect what people did in GitHub repositories, then bring the search index up to date."
    examples = (
        "collect_github",
        "collect_github owner/name --estimate",
        "collect_github owner/name --since 2024-01-01",
        "collect_github --org django --max-seconds 3600",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that are specific to GitHub."""
        super().add_arguments(parser)
        parser.add_argument(
            "repositories",
            nargs="*",
            metavar="owner/name",
            help="Repositories to collect. Default: all that are enabled in the admin or listed in GITHUB_REPOS.",
        )
        parser.add_argument(
            "--org",
            action="append",
            default=[],
            metavar="NAME",
            help="Also collect all repositories of this organisation or user, except forks. Can be repeated.",
        )
        parser.add_argument(
            "--streams",
            default="",
            metavar="NAMES",
            help=f"Collect only these streams, separated by commas: {', '.join(STREAMS)}.",
        )
        parser.add_argument(
            "--since",
            type=aware_date,
            metavar="DATE",
            help="In a first or full run, omit issues and comments last changed before this day (YYYY-MM-DD, UTC).",
        )
        parser.add_argument(
            "--full", action="store_true", help="Read everything again from the beginning. Nothing is stored twice."
        )
        parser.add_argument(
            "--reconcile",
            action="store_true",
            help="Also compare all items with GitHub, to find missing and deleted items and deleted accounts.",
        )
        parser.add_argument(
            "--git-only", action="store_true", help="Collect only commits, from a clone of the git repository."
        )

    def get_collector(self, **options: Any) -> GitHubCollector:
        """Return a collector with these options."""
        return GitHubCollector(
            CollectOptions(
                repositories=options["repositories"],
                organisations=options["org"],
                streams=[name.strip() for name in options["streams"].split(",") if name.strip()],
                since=options["since"],
                full=options["full"],
                reconcile=options["reconcile"],
                git_only=options["git_only"],
                max_requests=options["max_requests"],
                max_seconds=options["max_seconds"],
            )
        )
