"""Ends of runs that have no result: interrupted by hand, refused before they began."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection

from core.collectors.result import CollectorResult
from core.errors import classify_failure, exit_code_for, in_one_line
from core.logs.redaction import redact
from core.models import CollectorRun
from core.operations.interrupts import Terminated
from core.runs import BY_HAND, finish_run, progress_counts, recorded_run, run_finished

NOT_RECORDED = {
    "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks", "verbosity", "stdout", "stderr",
    "version",
}  # fmt: skip
"""Django's own options, which the ledger does not need."""


def readable_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that were given, as the run page shows them: lists with commas, dates as YYYY-MM-DD."""
    given = {name: value for name, value in options.items() if value not in (None, False, [], "")}
    return {name: _readable(value) for name, value in given.items() if name not in NOT_RECORDED}


def _readable(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_readable(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M %Z}"
    return "yes" if value is True else str(value)


def counts_so_far(collector: object) -> dict[str, int]:
    """Return what a collector has stored before it ended early; nothing for one that cannot say."""
    ask = getattr(collector, "counts_so_far", None)
    result = getattr(collector, "result", None)
    counts = ask() if callable(ask) else result.counts if isinstance(result, CollectorResult) else {}
    return {name: number for name, number in counts.items() if number} if isinstance(counts, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def finish_interrupted(run: CollectorRun, collector: object, error: KeyboardInterrupt) -> None:
    """Close a run that a signal stopped; the next run goes on. Ctrl-C raises no alert.

    The signal may come between a statement and its answer. That session can do nothing else, so a new one is opened.
    """
    if not connection.is_usable():
        connection.close()
    run.refresh_from_db(fields=["progress"])
    counts = counts_so_far(collector) or progress_counts(run)
    outcome, is_by_hand = CollectorRun.Outcome.INTERRUPTED, not isinstance(error, Terminated)
    line = f"stopped by {'hand (Ctrl-C)' if is_by_hand else 'SIGTERM'}; run again to go on"
    finish_run(run, outcome, counts=counts, category=BY_HAND if is_by_hand else "", error=line)
    run_finished.send_robust(CollectorRun, run=run)


def record_refusal(command: type, options: Mapping[str, str], error: Exception) -> None:
    """Keep a failed run of a command whose collector could not be built, if the configuration is to blame."""
    if exit_code_for(error) != 2:
        return
    module = command.__module__.rpartition(".")[2]
    names = (app.source_system for app in apps.get_app_configs() if getattr(app, "collect_command", "") == module)  # pyright: ignore[reportAttributeAccessIssue]
    with recorded_run(next(names, module), options) as run:
        line = redact(in_one_line(error))[:1000]
        finish_run(run, "failed", counts={}, category=classify_failure(error).value, error=line)
    run_finished.send_robust(CollectorRun, run=run)
