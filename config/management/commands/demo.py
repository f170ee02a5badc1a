"""``manage.py demo``: collect, index and search the sample community, or collect and index a repository.

The sample community has its own database in VAR_DIR/demo, so its data are never mixed with real data.
"""

import os
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings

from config.sample_account import NAME, ensure_sample_account
from core.collectors import ReportingCommand
from core.models import Activity
from core.operations.output import number_of
from core.search.query.search import search
from discord_activity_tracker.models import Guild, Message
from github_activity_tracker.models import Repository
from samples import SAMPLE_REPOSITORY, SAMPLE_SEARCHES
from samples.discord import SampleDiscord
from samples.server import SampleServer


class Command(ReportingCommand):
    """Collect and index data, search the sample community, and print the next steps."""

    help = "Try the project: collect, index and search the sample community, or collect and index a repository."
    examples = (
        "demo",
        "demo owner/name",
    )

    stealth_options = ("next_steps",)
    """``next_steps``: whether to print the next steps. ``serve`` passes False, because it prints how to log in."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the argument for the repository."""
        parser.add_argument(
            "repository", nargs="?", metavar="owner/name", help="Repository to collect. Default: the sample community."
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command.

        For the sample community, restart the process with DEMO=1, so that the settings select its database.
        """
        options = self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        if not options.repository and not settings.DEMO:
            sys.stdout.flush()
            os.execve(sys.executable, [sys.executable, *argv], {**os.environ, "DEMO": "1"})  # noqa: S606  (this program)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect and index data, search the sample community, and print the next steps.

        A second run collects only changes.
        """
        call_command("migrate", verbosity=0)
        name: str = options["repository"] or SAMPLE_REPOSITORY
        self._say(f"Collecting {name} {'' if options['repository'] else 'and its Discord server '}...")
        if options["repository"]:
            call_command("collect_github", name, stdout=self.stdout)
        else:
            self._collect_sample(name)
        self._print_counts(name)
        if not options["repository"]:
            self._collect_guild()
        for words in [] if options["repository"] else SAMPLE_SEARCHES:
            self._search(words)
        if options["repository"]:
            self._say(f'\nSearch it: .venv/bin/python manage.py search "your words" --scope {name}')
            self._say("The admin: .venv/bin/python manage.py createsuperuser, then make serve")
        elif options.get("next_steps", True):
            self._print_log_in()
            self._say("\nA real repository: make demo REPO=owner/name   (put a token into .env, see .env.example)")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _collect_sample(self, name: str) -> None:
        """Run the real GitHub collector against a local server, with a temporary folder for git."""
        with ExitStack() as stack:
            server = stack.enter_context(SampleServer())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="activity-trackers-demo-"))
            stack.enter_context(
                override_settings(
                    GITHUB_API_URL=server.url,
                    GITHUB_GIT_URL=server.url,
                    GITHUB_TOKENS=[server.token("demo")],
                    GITHUB_APP_ID="",
                    GITHUB_APP_PRIVATE_KEY_FILE="",
                    WORKSPACE_DIR=Path(folder),
                )
            )
            out = StringIO()
            call_command("collect_github", name, stdout=out)
            self._say(_result(out.getvalue()))
        # Disable the sample repository, because nightly runs would not find it on github.com.
        Repository.objects.filter(full_name=name).update(enabled=False)

    def _collect_guild(self) -> None:
        """Run the real Discord collector against a local imitation of Discord with the sample community."""
        out = StringIO()
        with (
            SampleDiscord() as server,
            override_settings(DISCORD_API_BASE=server.url, DISCORD_BOT_TOKEN=server.token),
        ):
            call_command("collect_discord", str(server.guild.id), stdout=out, stderr=StringIO())
        self._say(_result(out.getvalue()))
        guild = Guild.objects.filter(pk=server.guild.id)
        messages = Message.objects.filter(channel__guild__in=guild, deleted_at=None)
        channels = messages.values("channel").distinct().count()
        number = number_of(messages.count(), "message")
        self._say(f"Stored: {number} in {channels} channels and threads of the sample Discord server.")
        guild.update(enabled=False)

    def _print_counts(self, name: str) -> None:
        activities = Activity.objects.filter(scope__name__iexact=name, deleted_at=None)
        kinds = ("issue", "pull_request", "issue_comment", "review_comment", "commit")
        counts = (
            number_of(activities.filter(activity_type=f"github.{kind}").count(), kind.replace("_", " "))
            for kind in kinds
        )
        self._say(f"Stored: {', '.join(counts)}.")

    def _search(self, words: str) -> None:
        self._say(f'\nsearch "{words}"')
        for hit in search(words, limit=3):
            snippet = hit.snippet.replace("[[", "").replace("]]", "")
            self._say(f"  {hit.kind}: {hit.title[:80]} ({hit.author}, {hit.scope})\n    {snippet[:110]}")

    def _print_log_in(self) -> None:
        """Print the command, the URL and the account for a log-in."""
        password = ensure_sample_account()
        self._say(f"\nThe admin: make serve, then http://127.0.0.1:8000 as {NAME} with password {password}")


def _result(printed: str) -> str:
    """Return the line with the result of the run from the output of a collecting command."""
    return next(line for line in printed.splitlines() if line.startswith(("github: ", "discord: ")))
