"""``manage.py collect_all``: run the collecting commands of all installed trackers, for example from cron."""

import logging
from argparse import ArgumentParser
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command, load_command_class
from django.db import DatabaseError

from core.collectors import ReportingCommand
from core.errors import classify_failure, in_one_line
from core.logs import redact
from core.operations.bounds import run_ends_after
from core.operations.interrupts import interruption_in
from core.runs import allowed_seconds
from core.trackers import installed_trackers

logger = logging.getLogger(__name__)


class Command(ReportingCommand):
    """Run the collecting command of every tracker that is set up. A failure of one tracker does not stop the others."""

    help = "Run the collecting command of every installed tracker."
    examples = (
        "collect_all",
        "collect_all --log-format json",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "complete, or not set up",
        1: "a collector failed",
        2: "wrong configuration or token",
        3: "partial",
        75: "another run is collecting the same scopes",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--max-seconds``."""
        parser.add_argument(
            "--max-seconds", type=float, metavar="S",
            help="Stop all collections cleanly after S seconds (default: MAX_RUN_SECONDS).",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the commands one after another, and then remove expired sessions.

        If commands fail, the first error is raised after the last command has ended.
        """
        with run_ends_after(allowed_seconds(options)):
            try:
                self._run_all()
            finally:
                self._clear_sessions()

    def _clear_sessions(self) -> None:
        """Remove expired sessions of the admin. This command usually runs every day, so it also does this cleanup."""
        try:
            import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        except DatabaseError as error:  # the command does not fail, because the next run removes these sessions
            logger.warning("expired sessions could not be removed: %s", redact(in_one_line(error)))

    def _run_all(self) -> None:
        first_error: Exception | None = None
        for tracker in installed_trackers():
            if not tracker.is_set_up():
                self.stdout.write(f"{tracker.verbose_name}: not set up, skipped")
                continue
            command = load_command_class(tracker.name, tracker.collect_command)
            try:
                call_command(command)
            except Exception as error:  # noqa: BLE001  (raised again below, after the other trackers)
                if interruption := interruption_in(error):
                    raise interruption from None
                if first_error is not None:  # run_from_argv prints the first error
                    line = redact(in_one_line(error))
                    self.stderr.write(f"error: {tracker.verbose_name}: {line} ({classify_failure(error).value})")
                first_error = first_error or error
            self.exit_code = self.exit_code or getattr(command, "exit_code", 0)
        if first_error is not None:
            raise first_error
