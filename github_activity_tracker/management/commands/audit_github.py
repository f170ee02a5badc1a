"""``manage.py audit_github``: compares the number of stored rows with GitHub's totals."""

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from core.collectors import ReportingCommand
from core.errors import ConfigurationError
from core.operations.visible import json_text
from github_activity_tracker.collector.audit import Line, audit
from github_activity_tracker.collector.run import select_targets
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.store.gaps import accept


class Command(ReportingCommand):
    """Compares the counts of each stream. The exit code is 3 for differences without a known or accepted reason."""

    help = "Compare the stored rows with GitHub's own totals."
    examples = (
        "audit_github",
        "audit_github owner/name --json",
        "audit_github owner/name --accept",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "the counts agree, or all differences are known or accepted",
        1: "failed",
        2: "wrong usage, configuration or token",
        3: "counts differ for an unknown reason",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments of the command."""
        parser.add_argument(
            "repositories",
            nargs="*",
            metavar="owner/name",
            help="Repositories to compare. Default: all that are enabled in the admin or listed in GITHUB_REPOS.",
        )
        parser.add_argument(
            "--accept", action="store_true",
            help="Record the current differences as accepted, such as rows that were deleted on purpose."
            " Later audits call them known, and reconciliation ignores them until they grow.",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare the counts, and print one line for each stream."""
        client = open_client()
        if not client.tokens.has_tokens:
            raise ConfigurationError("GitHub returns totals only for requests with a token. Set GITHUB_TOKENS.")
        lines = list(audit(client, select_targets(options["repositories"])))
        client.share_budgets(everything=True)
        if options["accept"]:
            for line in lines:
                accept(line.repository_id, line.gaps)
        differ = [line for line in lines if not line.is_explained]
        if options["json"]:
            streams = [
                asdict(line) | {"agrees": line.agrees, "is_explained": line.is_explained, "verdict": line.verdict}
                for line in lines
            ]
            agrees = all(line.agrees for line in lines)
            self.stdout.write(
                json_text(
                    {"agrees": agrees, "is_explained": not differ, "requests": client.requests, "streams": streams}
                )
            )
        else:
            self._print(lines)
        self.exit_code = 3 if differ and not options["accept"] else 0

    def _print(self, lines: list[Line]) -> None:
        """Print the result as a table."""
        self.stdout.write(f"{'repository':40} {'stream':19} {'live':>9} {'deleted':>9} {'GitHub':>9}")
        for line in lines:
            verdict = f"  {line.verdict}" if line.verdict else ""
            github = "not shown" if line.github is None else f"{line.github:,}"
            self.stdout.write(
                f"{line.repository:40} {line.stream:19} {line.kept:9,} {line.deleted:9,} {github:>9}{verdict}"
            )
