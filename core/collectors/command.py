"""The base class of collecting commands.

It runs the collector, prints the result, updates the search index, and closes the run in the ledger.
"""

import logging
import time
from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from django.db import connection

from core.collectors.abstract import CollectorResult, CollectorRunnable, Outcome, stored_reports
from core.collectors.estimate import Estimating, in_words
from core.collectors.progress import RecordedProgress, hidden, shown_progress
from core.collectors.reporting import ReportingCommand
from core.errors import (
    BudgetExhausted,
    CollectorError,
    CollectorFailureCategory,
    ScopeBusy,
    classify_failure,
    exit_code_for,
    in_one_line,
)
from core.logs import log_fields, redact
from core.models import CollectorRun
from core.operations.bounds import check_time, run_ends_after
from core.operations.interrupts import Terminated, begin_to_end, interruption_in
from core.operations.output import at_terminal, counted_words, duration_in_words, number_of, stored_in_words, wrapped
from core.operations.visible import json_text, visible_line
from core.runs import (
    AFTERWARDS,
    BY_HAND,
    allowed_seconds,
    finish_run,
    progress_counts,
    recorded_run,
    run_finished,
    time_limit,
)
from core.search.sync import SyncResult

logger = logging.getLogger(__name__)
OUTCOMES: Mapping[type[BaseException], Outcome] = {ScopeBusy: "busy", BudgetExhausted: "partial"}
"""Outcome of a run by the type of the error that ended it. The outcome is "failed" for all other errors."""
EXIT_CODES = {"succeeded": 0, "failed": 1, "partial": 3, "busy": 75}
USAGE = 2
"""The exit code of a usage or configuration error."""


def aware_date(text: str) -> datetime:
    """Parse a date (``YYYY-MM-DD``) or an ISO 8601 time to an aware datetime. A time without a zone is UTC.

    Raises ArgumentTypeError for other text, so that argparse prints the message.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD, such as 2024-05-31") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class BaseCollectorCommand(ReportingCommand, ABC):
    """A command that runs a collector. Subclasses return the collector from ``get_collector``."""

    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "complete", 1: "failed", 2: "wrong usage, configuration or token; nothing was collected",
        3: "partial: a limit was reached, or some items could not be read; the next run continues",
        75: "another run is collecting the same scopes",
    }  # fmt: skip

    requires_system_checks: Any = ()
    """No system checks run before a collection. They check code and pages, and take as long as a run without changes.

    ``manage.py check`` runs them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # This message is clearer than the one from ABC.
        if getattr(type(self).get_collector, "__isabstractmethod__", False):
            raise TypeError(f"{type(self).__name__} must implement get_collector()")
        super().__init__(*args, **kwargs)

    @abstractmethod
    def get_collector(self, **options: Any) -> CollectorRunnable:
        """Return the collector for these options."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that all collecting commands have."""
        parser.add_argument(
            "--no-sync",
            action="store_true",
            help="Only collect. A later run or sync_index updates the search index.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")
        parser.add_argument(
            "--max-requests", type=int, metavar="N", help="Stop cleanly after N requests. The next run continues."
        )
        parser.add_argument(
            "--max-seconds",
            type=float,
            metavar="S",
            help="Stop cleanly after S seconds, including the index. The next run continues. Default: MAX_RUN_SECONDS.",
        )
        parser.add_argument(
            "--estimate",
            action="store_true",
            help="Collect nothing. Print the number of requests and the time that a run would need.",
        )
        parser.add_argument(
            "--progress", action=BooleanOptionalAction, help="Show progress. Default: only on a terminal."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run both phases (collection and index), record the run in the ledger, and print the result.

        At a terminal, a usage error (exit code 2) is not recorded if the run stored nothing. After Ctrl-C or SIGTERM,
        the run is closed as interrupted, with its counts.
        """
        options = DEFAULTS | self._declared_defaults() | options
        limit = allowed_seconds(options)
        with run_ends_after(limit and limit + AFTERWARDS):
            self._handle(limit, options)

    def _handle(self, limit: float | None, options: Mapping[str, Any]) -> None:
        began, collector = time.monotonic(), self._build(options)
        if options["estimate"]:
            self._estimate(collector, as_json=options["json"])
            return
        name = str(getattr(collector, "name", "") or type(collector).__name__)
        with recorded_run(name, readable_options(options)) as run:
            try:
                self._collect(run, collector, options, began, limit)
            except (KeyboardInterrupt, Exception) as error:
                if interruption := interruption_in(error):
                    begin_to_end()
                    finish_interrupted(run, collector, interruption)
                    self.interrupted = stored_in_words(run.counts)
                    raise interruption from None
                self._fail(run, collector, error, time.monotonic() - began if options["json"] else None)
                raise
        run_finished.send_robust(CollectorRun, run=run)

    def _build(self, options: Mapping[str, Any]) -> CollectorRunnable:
        """Return the collector. Without a terminal, record a usage or configuration error as a failed run."""
        try:
            return self.get_collector(**options)
        except (CollectorError, CommandError, ImproperlyConfigured) as error:
            if not at_terminal() and not options["estimate"]:
                record_refusal(type(self), readable_options(options), error)
            raise

    def _collect(
        self, run: CollectorRun, collector: Any, options: Mapping[str, Any], began: float, limit: float | None
    ) -> None:
        """Run both phases. Without ``--json``, print the result of the collection before the index is updated."""
        name, sync_result, is_synced = run.collector, None, True
        with shown_progress(options["progress"]) as display, time_limit(limit):
            progress = RecordedProgress(run, display)
            _set_if_possible(collector, "progress", progress)
            progress.begin("run")
            self._phase(collector, "run", collector.run)
            result = _as_result(getattr(collector, "result", None))
            if not options["json"]:
                with hidden():
                    self._print(name, result, time.monotonic() - began)
                    self.stdout.flush()
                    if not options["no_sync"]:  # replaces the progress line of the collection
                        display.expect("search index", "chunks", None)
            progress.begin("sync_pinecone")
            if not options["no_sync"]:
                is_synced, sync_result = self._sync(collector)
        if not is_synced and result.outcome == "succeeded":
            result = replace(result, outcome="partial")
        self._close(run, result)
        if isinstance(sync_result, SyncResult) and not options["json"]:
            self.stdout.write(f"search index: {sync_result.in_words()}")
        if not is_synced and not options["json"]:
            self.stdout.write(
                "search index: not complete, because this run has no time left. Run again or run sync_index."
            )
        if options["json"]:
            self._print_json(name, result, time.monotonic() - began)
        self.exit_code = EXIT_CODES[result.outcome]
        self.stdout.flush()

    def _fail(self, run: CollectorRun, collector: object, error: BaseException, seconds: float | None) -> None:
        """Close a failed run. At a terminal, delete the run instead after a usage error if nothing was stored.

        ``seconds`` is the duration of the run for the JSON output, or ``None`` if no JSON is printed.
        """
        category, line = classify_failure(error).value, redact(in_one_line(error))[:1000]
        outcome = OUTCOMES.get(type(error), "failed")
        counts = counts_so_far(collector)
        if isinstance(error, CollectorError):
            error.after_storing = bool(counts)
        if seconds is not None:
            details = {"error": line, "failure_category": category}
            self._print_json(run.collector, CollectorResult(outcome=outcome, counts=counts), seconds, details)
        if exit_code_for(error) == USAGE and at_terminal() and not counts:
            run.delete()
            return
        try:
            finish_run(run, outcome, counts=counts, category=category, error=line)
        except DatabaseError as failure:  # the caller prints ``error``; the next run closes this run as interrupted
            logger.info("could not record the end of the run reason=%s", in_one_line(failure))
            return
        run_finished.send_robust(CollectorRun, run=run)

    def _declared_defaults(self) -> dict[str, Any]:
        """Return the defaults of this command's options, because ``handle`` may be called without options."""
        parser = self.create_parser("manage.py", "collect")
        names = [action.dest for action in parser._actions]  # Django's call_command also uses _actions
        return {name: parser.get_default(name) for name in names if name != "help"}

    def _sync(self, collector: Any) -> tuple[bool, Any]:
        """Update the index. Return (True, result), or (False, None) if the run has no time left."""
        try:
            check_time()
            return True, self._phase(collector, "sync_pinecone", collector.sync_pinecone)
        except BudgetExhausted as error:
            logger.info("the next run will update the search index reason=%s", error)
            return False, None

    def _close(self, run: CollectorRun, result: CollectorResult) -> None:
        """Close the run in the ledger with its result."""
        finish_run(
            run,
            result.outcome,
            counts=result.counts,
            requests=result.requests,
            category=next((r.category for r in result.scopes if r.category), ""),
            error=redact("; ".join(f"{r.scope}: {r.reason}" for r in result.scopes if r.reason)),
            scopes=stored_reports(result.scopes),
        )

    def _estimate(self, collector: object, *, as_json: bool) -> None:
        """Print the estimated cost of a run. Raises CommandError if the collector cannot estimate it."""
        if not isinstance(collector, Estimating):
            raise CommandError("This collector cannot estimate the cost of a run.")
        estimates = collector.estimate()
        if as_json:
            self.stdout.write(json_text({"scopes": [asdict(estimate) for estimate in estimates]}))
            return
        for estimate in estimates:
            self.stdout.write(in_words(estimate))

    def _phase(self, collector: Any, phase: str, run_phase: Callable[[], Any]) -> Any:
        """Run one phase and return its result. All errors are raised again.

        CommandError is logged as one line. Other errors are passed to ``handle_error``, unless a signal caused them.
        """
        _set_if_possible(collector, "_error_phase", phase)
        name = str(getattr(collector, "name", "") or type(collector).__name__)
        try:
            with log_fields(collector=name, collector_phase=phase):
                return run_phase()
        except CommandError as error:
            extra: dict[str, object] = {"collector": name}
            extra |= {"collector_phase": phase, "failure_category": CollectorFailureCategory.COMMAND.value}
            extra |= {"printed": True}  # run_from_argv prints the error as its last line
            logger.error("command failed: %s", error, extra=extra)  # noqa: TRY400  (a message for users, without a traceback)
            raise
        except Exception as error:
            if not interruption_in(error):
                collector.handle_error(error)
            raise
        finally:
            with suppress(AttributeError):
                del collector._error_phase

    def _print_json(
        self, name: str, result: CollectorResult, seconds: float, details: Mapping[str, str] | None = None
    ) -> None:
        scopes = [
            {"scope": r.scope, "outcome": r.outcome, "counts": dict(r.counts), "reason": redact(r.reason)}
            | ({"notes": [redact(note) for note in r.notes]} if r.notes else {})
            for r in result.scopes
        ]
        report = {
            "collector": name,
            "success": result.success,
            "outcome": result.outcome,
            "counts": dict(result.counts),
        }
        report |= {"requests": result.requests, "skipped": result.skipped, "duration_seconds": round(seconds, 3)}
        self.stdout.write(json_text(report | {"scopes": scopes} | dict(details or {})))

    def _print(self, name: str, result: CollectorResult, seconds: float) -> None:
        for report in result.scopes:
            counts = counted_words(report.counts) or "nothing new"
            self.stdout.write(wrapped(visible_line(f"{report.scope}: {report.outcome}; {counts}"), self.stdout))
            for line in filter(None, [report.reason, *report.notes]):
                self.stderr.write(wrapped(visible_line(redact(f"{report.scope}: {line}")), self.stderr))
        requests = number_of(result.requests, "request")
        self.stdout.write(f"{name}: {result.outcome}, {requests}, {duration_in_words(seconds)}")


DEFAULTS: dict[str, Any] = {
    "no_sync": False, "json": False, "max_requests": None, "max_seconds": None, "estimate": False, "progress": None,
}  # fmt: skip
"""Defaults of the options that ``handle`` reads. Callers may omit options, and commands may define only some."""


def _as_result(result: object) -> CollectorResult:
    """Convert a collector's result to a ``CollectorResult``.

    Another ``TrackerResult`` is partial if its ``success`` is false. A result without ``success`` is a success.
    """
    if isinstance(result, CollectorResult):
        return result
    outcome = "succeeded" if getattr(result, "success", True) else "partial"
    return CollectorResult(outcome=outcome, counts=dict(getattr(result, "counts", {})))


def _set_if_possible(collector: object, name: str, value: object) -> None:
    """Set an attribute, unless the collector's ``__slots__`` do not allow it."""
    with suppress(AttributeError):
        setattr(collector, name, value)


NOT_RECORDED = {
    "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks", "verbosity", "stdout", "stderr",
    "version",
}  # fmt: skip
"""Django's own options, which the ledger does not store."""


def readable_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that have a value, as texts for the run page.

    The items of a list are separated by commas. A time at midnight is written as a date.
    """
    with_value = {name: value for name, value in options.items() if value not in (None, False, [], "")}
    return {name: _readable(value) for name, value in with_value.items() if name not in NOT_RECORDED}


def _readable(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_readable(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M %Z}"
    return "yes" if value is True else str(value)


def counts_so_far(collector: object) -> dict[str, int]:
    """Return the counts of a collector that ended early. Counts of zero are left out.

    Uses ``result`` if the collector has no ``counts_so_far`` method. The mapping is empty if neither is available.
    """
    method = getattr(collector, "counts_so_far", None)
    result = getattr(collector, "result", None)
    counts = method() if callable(method) else result.counts if isinstance(result, CollectorResult) else {}
    return {name: number for name, number in counts.items() if number} if isinstance(counts, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def finish_interrupted(run: CollectorRun, collector: object, error: KeyboardInterrupt) -> None:
    """Close a run that a signal stopped. Ctrl-C opens no alert.

    If the signal arrives while a database statement is running, the session can become unusable. In this case, it is
    closed, and the next query opens a new session.
    """
    if not connection.is_usable():
        connection.close()
    run.refresh_from_db(fields=["progress"])
    counts = counts_so_far(collector) or progress_counts(run)
    outcome, is_by_hand = CollectorRun.Outcome.INTERRUPTED, not isinstance(error, Terminated)
    line = f"stopped by {'hand (Ctrl-C)' if is_by_hand else 'SIGTERM'}; run again to continue"
    finish_run(run, outcome, counts=counts, category=BY_HAND if is_by_hand else "", error=line)
    run_finished.send_robust(CollectorRun, run=run)


def record_refusal(command: type, options: Mapping[str, str], error: Exception) -> None:
    """Record a failed run after a usage or configuration error that prevented the command from creating its collector.

    Other errors are not recorded.
    """
    if exit_code_for(error) != 2:
        return
    module = command.__module__.rpartition(".")[2]
    names = (app.source_system for app in apps.get_app_configs() if getattr(app, "collect_command", "") == module)  # pyright: ignore[reportAttributeAccessIssue]
    with recorded_run(next(names, module), options) as run:
        line = redact(in_one_line(error))[:1000]
        finish_run(run, "failed", counts={}, category=classify_failure(error).value, error=line)
    run_finished.send_robust(CollectorRun, run=run)
