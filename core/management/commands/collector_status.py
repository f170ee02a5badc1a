"""``manage.py collector_status``: print a status for people and Nagios-compatible monitors, or JSON for programs.

Monitors show only the first line. Exit codes: 0 OK, 1 WARNING, 2 CRITICAL.
https://nagios-plugins.org/doc/guidelines.html#PLUGOUTPUT
"""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import DatabaseError

from core.collectors import ReportingCommand
from core.errors import in_one_line
from core.logs import redact
from core.models import CollectorRun
from core.monitoring.status import Finding, Level, Status, status
from core.operations.output import number_of
from core.operations.visible import json_text, visible_line
from core.runs import database_now

MOST_LINES = 50
"""Maximum number of findings in the text output, so that it stays readable. The first line shows how many there are."""


class Command(ReportingCommand):
    """Report whether all collections are complete and recent."""

    help = "Report whether all collections are complete and recent."
    examples = (
        "collector_status",
        "collector_status --json",
    )
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "OK",
        1: "WARNING",
        2: "CRITICAL",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--json``."""
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the status. An unreachable database is a critical finding."""
        try:
            current = status(database_now())
        except DatabaseError as error:
            text = f"the database cannot be reached: {redact(in_one_line(error))}"
            current = Status(findings=[Finding(level=Level.CRITICAL, text=text)], figures={}, last_runs=[], scopes=[])
        self.stdout.write(json_text(as_json(current)) if options["json"] else "\n".join(in_lines(current)))
        self.exit_code = int(current.level)


def in_lines(current: Status) -> Sequence[str]:
    """Return the output as lines: the summary with its figures, the findings (worst first), and the last runs."""
    figures = current.figures
    if current.findings:
        more = f" (and {len(current.findings) - 1} more)" if len(current.findings) > 1 else ""
        summary = f"{current.findings[0].text}{more}"
    else:
        waiting = number_of(figures["documents_waiting"], "document")
        summary = f"{number_of(figures['scopes'], 'scope')} fresh, {waiting} waiting"
    # In the format of Nagios, a vertical bar precedes the figures.
    first = f"{current.level.name} - {summary.replace('|', '/')}"
    if figures:
        first += " | " + " ".join(f"{name}={number}" for name, number in figures.items())
    lines = [f"{finding.level.name}: {finding.text.replace('|', '/')}" for finding in current.findings[:MOST_LINES]]
    return [visible_line(line) for line in (first, *lines, *map(_of_run, current.last_runs))]


def _of_run(run: CollectorRun) -> str:
    requests = number_of(run.requests, "request")
    return f"last run of {run.collector}: started at {run.started_at:%Y-%m-%d %H:%M} UTC, {run.outcome}, {requests}"


def as_json(current: Status) -> dict[str, Any]:
    """Return the status as values that can be written as JSON. Times are ISO 8601 in UTC."""
    return {
        "status": current.level.name,
        "findings": [{"level": finding.level.name, "text": finding.text} for finding in current.findings],
        "figures": current.figures,
        "runs": [
            {
                "collector": run.collector, "outcome": run.outcome, "started_at": _time(run.started_at),
                "finished_at": _time(run.finished_at), "requests": run.requests, "counts": run.counts,
                "failure_category": run.failure_category, "error": run.error,
            }
            for run in current.last_runs
        ],
        "scopes": [
            {
                "source": one.source_system, "scope": one.name, "stale": one.stale,
                "last_completed_at": _time(one.last_completed_at), "not_before": _time(one.not_before),
                "age_seconds": round(one.age.total_seconds()), "limit_seconds": round(one.limit.total_seconds()),
            }
            for one in current.scopes
        ],
        "budgets": [
            {
                "source": row.source_system, "account": row.account, "resource": row.resource, "limit": row.limit,
                "remaining": row.remaining, "resets_at": _time(row.resets_at), "not_before": _time(row.not_before),
            }
            for row in current.budgets
        ],
    }  # fmt: skip


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
