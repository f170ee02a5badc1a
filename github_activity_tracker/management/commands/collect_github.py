"""``manage.py collect_github``: options, and nothing else."""

from argparse import ArgumentParser
from typing import Any

from core.collectors import BaseCollectorCommand
from core.collectors.command import aware_date
from github_activity_tracker.collector import STREAMS, CollectOptions, GitHubCollector


class Command(BaseCollectorCommand):
    """Collects what people did in GitHub repositories, then brings the search index up to date."""

    help = "Collect what people did in GitHub repositories, then bring the search index up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what only GitHub has."""
        super().add_arguments(parser)
        parser.add_argument(
            "repositories",
            nargs="*",
            metavar="owner/name",
            help="Repositories to collect; without any, those enabled in the admin and in GITHUB_REPOS.",
        )
        parser.add_argument(
            "--org", action="append", default=[], help="Also every repository of this organisation but its forks."
        )
        parser.add_argument("--streams", default="", help=f"Only these, comma-separated: {', '.join(STREAMS)}.")
        parser.add_argument("--since", type=aware_date, help="A first run begins here (YYYY-MM-DD, UTC).")
        parser.add_argument("--full", action="store_true", help="Read everything again from the beginning.")
        parser.add_argument(
            "--reconcile", action="store_true", help="Also look for what was deleted, moved or renamed since."
        )
        parser.add_argument("--git-only", action="store_true", help="Only commits, out of the git repository.")

    def get_collector(self, **options: Any) -> GitHubCollector:
        """Build the collector that the options ask for."""
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
