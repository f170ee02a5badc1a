"""``manage.py serve``: serve the admin on this machine. Until data are collected, it shows the sample community."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from config.sample_account import NAME, ensure_sample_account
from core.collectors import ReportingCommand
from core.ingest.timeline_move import is_moving
from core.models import Activity

ADDRESS = "127.0.0.1:8000"


class Command(ReportingCommand):
    """Prepare the database, print how to log in, and serve until Ctrl-C."""

    help = "Serve the admin on this machine and print how to log in. Not for production, see docs/operations.md."
    examples = ("serve", "serve 127.0.0.1:8080")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the argument for the address."""
        parser.add_argument("address", nargs="?", default=ADDRESS, help=f"Address and port ({ADDRESS}).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate the database, choose between collected data and the sample community, and start the server."""
        call_command("migrate", verbosity=0)
        if not settings.DEMO and not (Activity.objects.exists() or is_moving()):
            self._say("Nothing has been collected yet, so the pages show the sample community.")
            self._say("To see your own data, run collect_github owner/name or collect_discord, then make serve again.")
            os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "DEMO": "1"})  # noqa: S606  (this program)
        if settings.DEMO and not (Activity.objects.exists() or is_moving()):
            call_command("demo", next_steps=False, stdout=self.stdout)
        for line in self._log_in(options["address"]):
            self._say(line)
        call_command("runserver", options["address"], use_reloader=False)

    def _log_in(self, address: str) -> list[str]:
        """Return the lines that explain how to log in."""
        here = f"http://{address}"
        if settings.DEMO:
            return [f"Log in at {here} as {NAME} with password {ensure_sample_account()}"]
        if get_user_model().objects.filter(is_active=True, is_staff=True).exists():
            return [f"Log in at {here} with your account. New account: .venv/bin/python manage.py createsuperuser"]
        return [
            "No account can log in yet. Create one in another terminal: .venv/bin/python manage.py createsuperuser",
            f"Then log in at {here}",
        ]

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
