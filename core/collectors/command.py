"""The base of collecting commands: collect, then bring the search index up to date."""

import json
import logging
import time
from abc import ABC, abstractmethod
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from core.collectors.abstract import CollectorRunnable
from core.collectors.estimate import Estimating, in_words
from core.collectors.progress import shown_progress
from core.collectors.recorded import RecordedProgress, kept_reports
from core.collectors.reporting import ReportingCommand
from core.collectors.result import CollectorResult, Outcome
from core.collectors.time_limit import AFTERWARDS, allowed_seconds, time_limit
from core.errors import BudgetExhausted, CollectorFailureCategory, ScopeBusy, classify_failure, in_one_line
from core.models import CollectorRun
from core.operations.bounds import check_time, run_ends_after
from core.operations.log_context import log_fields
from core.operations.redaction import redact
from core.runs import finish_run, recorded_run, run_finished

logger = logging.getLogger(__name__)
OUTCOMES: Mapping[type[Exception], Outcome] = {ScopeBusy: "busy", BudgetExhausted: "partial"}
"""How a run ends that ends with an error of this kind; any other has failed."""
EXIT_CODES = {"succeeded": 0, "failed": 1, "partial": 3, "busy": 75}


def aware_date(text: str) -> datetime:
    """``YYYY-MM-DD`` or ISO 8601 as an aware time; UTC where no zone is given."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class BaseCollectorCommand(ReportingCommand, ABC):
    """Subclasses give ``get_collector``; everything else is here."""

    requires_system_checks: Any = ()
    """They are about code and pages, and cost cron as much as a quiet run; ``manage.py check`` has them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django's BaseCommand has no abstract methods, so ABC's own check is made plain here.
        if getattr(type(self).get_collector, "__isabstractmethod__", False):
            raise TypeError(f"{type(self).__name__} must implement get_collector()")
        super().__init__(*args, **kwargs)

    @abstractmethod
    def get_collector(self, **options: Any) -> CollectorRunnable:
        """Build the collector that the options ask for."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that every collector has."""
        parser.add_argument("--no-sync", action="store_true", help="Leave the search index for a later run.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")
        parser.add_argument("--max-requests", type=int, metavar="N", help="Stop cleanly after so many requests.")
        parser.add_argument(
            "--max-seconds",
            type=float,
            metavar="S",
            help="Stop cleanly after so many seconds, the index included; without it MAX_RUN_SECONDS.",
        )
        parser.add_argument("--estimate", action="store_true", help="Only say what a run would cost at most.")
        parser.add_argument("--progress", action=BooleanOptionalAction, help="Show progress; by default on a terminal.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run both phases, keep the ledger, and print what was done."""
        options = DEFAULTS | self._declared_defaults() | options
        limit = allowed_seconds(options)
        with run_ends_after(limit and limit + AFTERWARDS):
            self._handle(limit, options)

    def _handle(self, limit: float | None, options: Mapping[str, Any]) -> None:
        began, collector = time.monotonic(), self.get_collector(**options)
        if options["estimate"]:
            self._estimate(collector, as_json=options["json"])
            return
        name = str(getattr(collector, "name", "") or type(collector).__name__)
        kept = {k: str(v) for k, v in options.items() if v not in (None, False, [], "") and k not in BASE_OPTIONS}
        with recorded_run(name, kept) as run:
            try:
                with shown_progress(options["progress"]) as shown, time_limit(limit):
                    progress = RecordedProgress(run, shown)
                    _set_if_possible(collector, "progress", progress)
                    progress.begin("run")
                    self._phase(collector, "run", collector.run)
                    progress.begin("sync_pinecone")
                    is_synced = options["no_sync"] or self._sync(collector)
            except Exception as error:
                category, line = classify_failure(error).value, redact(in_one_line(error))[:1000]
                outcome = OUTCOMES.get(type(error), "failed")
                finish_run(run, outcome, counts=dict[str, int](), category=category, error=line)
                if options["json"]:
                    failed = CollectorResult(outcome=outcome)
                    self._print_json(
                        name, failed, time.monotonic() - began, {"error": line, "failure_category": category}
                    )
                run_finished.send_robust(CollectorRun, run=run)
                raise
            result = self._close(run, getattr(collector, "result", None), is_synced=is_synced)
        show = self._print_json if options["json"] else self._print
        show(name, result, time.monotonic() - began)
        self.exit_code = EXIT_CODES[result.outcome]
        self.stdout.flush()
        run_finished.send_robust(CollectorRun, run=run)

    def _declared_defaults(self) -> dict[str, Any]:
        """Return the defaults of this command's own options, for callers of ``handle`` that give none."""
        parser = self.create_parser("manage.py", "collect")
        names = [action.dest for action in parser._actions]  # as Django's call_command reads them
        return {name: parser.get_default(name) for name in names if name != "help"}

    def _sync(self, collector: CollectorRunnable) -> bool:
        """Bring the index up to date; False when the time of the run does not suffice."""
        try:
            check_time()
            self._phase(collector, "sync_pinecone", collector.sync_pinecone)
        except BudgetExhausted as error:
            logger.info("the search index waits for the next run reason=%s", error)
            return False
        return True

    def _close(self, run: CollectorRun, found: object, *, is_synced: bool) -> CollectorResult:
        """Write what was achieved into the ledger, and return it."""
        result = (
            found if isinstance(found, CollectorResult) else CollectorResult(counts=dict(getattr(found, "counts", {})))
        )
        if not is_synced and result.outcome == "succeeded":
            result = replace(result, outcome="partial")
        finish_run(
            run,
            result.outcome,
            counts=result.counts,
            requests=result.requests,
            category=next((r.category for r in result.scopes if r.category), ""),
            error=redact("; ".join(f"{r.scope}: {r.reason}" for r in result.scopes if r.reason)),
            scopes=kept_reports(result.scopes),
        )
        return result

    def _estimate(self, collector: object, *, as_json: bool) -> None:
        """Print what a run would cost; nothing is collected."""
        if not isinstance(collector, Estimating):
            raise CommandError("This collector cannot tell what a run would cost.")
        found = collector.estimate()
        if as_json:
            self.stdout.write(json.dumps({"scopes": [asdict(estimate) for estimate in found]}))
            return
        for estimate in found:
            self.stdout.write(in_words(estimate))

    def _phase(self, collector: Any, phase: str, act: Callable[[], Any]) -> None:
        """Run one phase; a failure is handled once and raised again unchanged."""
        _set_if_possible(collector, "_error_phase", phase)
        name = str(getattr(collector, "name", "") or type(collector).__name__)
        try:
            with log_fields(collector=name, collector_phase=phase):
                act()
        except CommandError as error:
            extra = {"collector": name}
            extra |= {"collector_phase": phase, "failure_category": CollectorFailureCategory.COMMAND.value}
            logger.error("command failed: %s", error, extra=extra)  # noqa: TRY400  (its message is for people; no traceback)
            raise
        except Exception as error:
            collector.handle_error(error)
            raise
        finally:
            with suppress(AttributeError):
                del collector._error_phase

    def _print_json(
        self, name: str, result: CollectorResult, seconds: float, more: Mapping[str, str] | None = None
    ) -> None:
        scopes = [
            {"scope": r.scope, "outcome": r.outcome, "counts": dict(r.counts), "reason": redact(r.reason)}
            | ({"notes": [redact(note) for note in r.notes]} if r.notes else {})
            for r in result.scopes
        ]
        told = {"collector": name, "success": result.success, "outcome": result.outcome, "counts": dict(result.counts)}
        told |= {"requests": result.requests, "skipped": result.skipped, "duration_seconds": round(seconds, 3)}
        self.stdout.write(json.dumps(told | {"scopes": scopes} | dict(more or {})))

    def _print(self, name: str, result: CollectorResult, seconds: float) -> None:
        for report in result.scopes:
            counts = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in report.counts.items() if n)
            self.stdout.write(f"{report.scope}: {report.outcome}; {counts or 'nothing new'}")
            if report.reason:
                self.stderr.write(redact(f"{report.scope}: {report.reason}"))
            for note in report.notes:
                self.stderr.write(redact(f"{report.scope}: {note}"))
        self.stdout.write(f"{name}: {result.outcome}, {result.requests} requests, {seconds:.1f} s")


DEFAULTS: dict[str, Any] = {
    "no_sync": False, "json": False, "max_requests": None, "max_seconds": None, "estimate": False, "progress": None,
}  # fmt: skip
"""The options that ``handle`` reads, for callers that give none and for commands that do not declare them."""


def _set_if_possible(collector: object, name: str, value: object) -> None:
    """Set an attribute; a collector whose ``__slots__`` leave no room for it goes without."""
    with suppress(AttributeError):
        setattr(collector, name, value)


BASE_OPTIONS = {
    "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks", "verbosity", "stdout", "stderr",
}  # fmt: skip
"""Django's own options, which the ledger does not need."""
