"""``manage.py notify``: post new alerts, recoveries and, with ``--digest``, the summary of the day to Slack.

Runs also post alerts and recoveries when they end. This command is for problems that stop all runs, such as a broken
cron job, and for messages that could not be posted earlier. However often the command runs, it posts each message only
once.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone

from core.collectors import ReportingCommand
from core.errors import ConfigurationError
from core.monitoring.alerts import refresh
from core.monitoring.delivery import deliver
from core.monitoring.digest import write_digest
from core.operations.bounds import run_ends_after
from core.operations.output import number_of
from core.operations.slack_ops import open_slack


class Command(ReportingCommand):
    """Update the alerts, and post all messages that have not been posted yet."""

    help = "Post new alerts and recoveries to Slack."
    examples = (
        "notify",
        "notify --digest",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "everything was posted, or Slack is not set up",
        1: "failed",
        2: "wrong configuration or token",
        3: "messages are still waiting",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--digest`` and the time limit."""
        parser.add_argument("--digest", action="store_true", help="Also post the summary of the day, once a day (UTC).")
        parser.add_argument(
            "--max-seconds", type=float, default=120.0, metavar="S", help="Stop after S seconds (default: 120)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Update the alerts, create messages about their changes, and post the messages.

        Raises ConfigurationError if only one of the two settings for Slack is set.
        """
        missing = [name for name in ("SLACK_BOT_TOKEN", "SLACK_CHANNEL") if not getattr(settings, name)]
        now = timezone.now()
        refresh(now)
        if len(missing) == 1:
            raise ConfigurationError(f"Slack is only half set up. Also set {missing[0]} (see .env.example).")
        if missing:
            self.stdout.write("Slack is not set up. The admin lists the alerts. To post them, set SLACK_BOT_TOKEN.")
            return
        if options["digest"]:
            write_digest(now)
        with run_ends_after(options["max_seconds"]):
            delivery = deliver(open_slack(), seconds=options["max_seconds"])
        waits = f"; {number_of(delivery.waiting, 'message')} waiting: {delivery.reason}" if delivery.waiting else ""
        self.stdout.write(f"{number_of(delivery.posted, 'message')} posted{waits}")
        self.exit_code = 3 if delivery.waiting else 0
