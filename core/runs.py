"""Runs of commands: ledger, time limit, and the locks that prevent two runs from collecting the same scope."""

import os
import signal
import socket
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from types import FrameType
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from django.dispatch import Signal
from psycopg.pq import TransactionStatus

from core.db.locks import is_held, lock_key, require_own_session, try_lock, unlock
from core.errors import BudgetExhausted
from core.logs import log_fields
from core.models import CollectorRun
from core.operations.bounds import TIME_IS_OVER, run_end, run_ends_after

BY_HAND = "by_hand"
"""The ``failure_category`` of a run that a person stopped with Ctrl-C. No alert is opened for such a run."""
run_finished = Signal()
"""Signal that is sent with ``run`` after a run was closed in the ledger and its result was printed. Errors of receivers
are logged."""
LOCK_PATIENCE = 5.0
"""Maximum seconds to wait for the lock of a scope. PostgreSQL may need this time to notice that the process with the
lock was killed."""


def database_now() -> datetime:
    """Return the time of the database server's clock in UTC. All machines share this clock.

    The embedded server uses this machine's clock, which may jump. Therefore, order runs by id instead of time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@contextmanager
def scope_lock(
    collector: str, scope: str, *, patience: float = LOCK_PATIENCE, name: str | None = None
) -> Generator[bool]:
    """Hold the lock of one scope inside the block, and yield True. Yield False if another session holds the lock.

    ``patience`` is the maximum number of seconds to wait for the lock. Log records in the block contain ``name``, or
    ``scope`` if ``name`` is missing. ``core.db.locks`` describes when such a lock ends.
    """
    require_own_session()
    key, give_up = lock_key(collector, scope), time.monotonic() + patience
    while not (held := try_lock(key)) and time.monotonic() < give_up:
        time.sleep(0.1)
    try:
        with log_fields(scope=name or scope):
            yield held
    finally:
        if held:
            unlock(key)


@contextmanager
def unhurried_commits() -> Generator[None]:
    """Commit inside the block without waiting for the disk. Use this for data that can be collected again.

    A crash of the database server may lose the transactions of the last second. Each is lost completely, including the
    checkpoint that it saved. Any later commit that waits for the disk makes the earlier transactions durable too.
    https://www.postgresql.org/docs/current/wal-async-commit.html
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET synchronous_commit")


def is_alive(run: CollectorRun) -> bool:
    """Return whether the process of a run still exists. As long as it exists, it holds the lock of the run."""
    return is_held(lock_key("run", str(run.pk)))


_current_run: ContextVar[CollectorRun | None] = ContextVar("current_run", default=None)


def current_run() -> CollectorRun | None:
    """Return the run of this context, or ``None`` outside of a run."""
    return _current_run.get()


def mark_interrupted(collector: str | None = None) -> None:
    """Close the runs of one collector, or of all collectors, that are still open although their process has ended.

    The process of a run has ended if the lock of the run is free.
    """
    running = CollectorRun.objects.filter(outcome=CollectorRun.Outcome.RUNNING)
    running = running.filter(collector=collector) if collector else running
    if own := current_run():  # try_lock would succeed, because this session holds the lock of its own run
        running = running.exclude(pk=own.pk)
    for run in running:
        key = lock_key("run", str(run.pk))
        if try_lock(key):
            running.filter(pk=run.pk).update(
                outcome=CollectorRun.Outcome.INTERRUPTED, finished_at=database_now(), counts=progress_counts(run)
            )
            unlock(key)


def last_was_cut_off(collector: str) -> bool:
    """Return whether the previous run of a collector was killed or interrupted."""
    runs = CollectorRun.objects.filter(collector=collector)
    if own := current_run():
        runs = runs.exclude(pk=own.pk)
    last = runs.order_by("-pk").first()
    return last is not None and last.outcome == CollectorRun.Outcome.INTERRUPTED


def progress_counts(run: CollectorRun) -> dict[str, int]:
    """Return the number of items of each stream, from the last stored progress of a run."""
    streams: object = (run.progress or {}).get("streams")
    if not isinstance(streams, dict):
        return {}
    return {str(name): int(number) for name, number in streams.items() if number}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@contextmanager
def recorded_run(collector: str, options: Mapping[str, Any]) -> Generator[CollectorRun]:
    """Create a run in the ledger and yield it. First close the collector's runs that killed processes left open.

    The caller closes the run with :func:`finish_run`. If the process is killed before that, the next run of the
    collector marks this run as interrupted.
    """
    require_own_session()
    mark_interrupted(collector)
    run = CollectorRun.objects.create(
        collector=collector,
        options=dict(options),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=database_now(),
    )
    key = lock_key("run", str(run.pk))
    try_lock(key)
    token = _current_run.set(run)
    try:
        with log_fields(collector=collector, run_id=run.pk):
            yield run
    finally:
        _current_run.reset(token)
        unlock(key)


def finish_run(
    run: CollectorRun,
    outcome: str,
    *,
    counts: Mapping[str, int],
    requests: int = 0,
    category: str = "",
    error: str = "",
    scopes: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Close a run in the ledger. ``error`` and the reasons in ``scopes`` must be one line without secrets."""
    run.finished_at = database_now()
    run.outcome, run.counts, run.requests = outcome, dict(counts), requests
    run.failure_category, run.error, run.scopes = category, error, [dict(scope) for scope in scopes]
    run.save(update_fields=["finished_at", "outcome", "counts", "requests", "failure_category", "error", "scopes"])


LAST_CALL = 3.0
"""Seconds between a run's time limit and the alarm. Clients stop waiting earlier, so most runs end without an alarm."""
AGAIN = 1.0
"""Seconds between alarms.

The first alarm cancels a database statement. The second alarm closes the connection if the server ignored the
cancellation, so a smaller value would leave the server less time.
"""
AFTERWARDS = 2.0
"""Seconds after a run's time limit that are reserved for writing the ledger and posting messages.

A larger value would let a run exceed its time limit by more.
"""


def allowed_seconds(options: "dict[str, Any]") -> float | None:
    """Return the maximum seconds of a command: ``--max-seconds``, else MAX_RUN_SECONDS. ``None`` means no limit."""
    seconds = options.get("max_seconds")
    return settings.MAX_RUN_SECONDS or None if seconds is None else float(seconds)


@contextmanager
def time_limit(seconds: float | None) -> Generator[None]:
    """End the block with BudgetExhausted soon after ``seconds``, even while it waits for the database.

    The alarm rings ``LAST_CALL`` seconds after the limit, and only in the main thread. In other threads, only the
    limits of the clients apply. ``None`` sets no limit, but the limit of an outer block still applies.
    """
    with run_ends_after(seconds):
        end = run_end()
        if end is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        alarm = _Alarm()
        handler = signal.signal(signal.SIGALRM, alarm.ring)
        outer = signal.setitimer(signal.ITIMER_REAL, max(0.01, end + LAST_CALL - time.monotonic()), AGAIN)
        began = time.monotonic()
        try:
            yield
        except DatabaseError as error:
            if alarm.has_cancelled:
                raise BudgetExhausted(TIME_IS_OVER) from error
            raise
        finally:
            rest = max(0.01, outer[0] - (time.monotonic() - began)) if outer[0] else 0.0
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, rest, outer[1])


class _Alarm:
    def __init__(self) -> None:
        self.has_cancelled = self.has_raised = False

    def ring(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle an alarm. If no database statement is running, raise BudgetExhausted once.

        The first alarm cancels a running statement. Later alarms close the connection if the statement still runs.
        """
        client = connection.connection
        if client is not None and not client.closed and client.info.transaction_status == TransactionStatus.ACTIVE:
            if not self.has_cancelled:
                self.has_cancelled = True
                with suppress(psycopg.Error):
                    client.cancel_safe(timeout=AGAIN / 2)
                return
            with suppress(OSError), socket.socket(fileno=os.dup(client.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
            return
        if not self.has_raised:
            self.has_raised = True
            raise BudgetExhausted(TIME_IS_OVER)
