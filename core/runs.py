"""The ledger of runs, the locks that keep two runs off one scope."""

import hashlib
import os
import socket
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import connection
from django.dispatch import Signal

from core.db.pooling import require_own_session
from core.logs.context import log_fields
from core.models import CollectorRun

BY_HAND = "by_hand"
"""The ``failure_category`` of an interrupted run that a person stopped with Ctrl-C; no alert is opened for it."""
run_finished = Signal()
"""Sent with ``run`` when a line of the ledger is closed and everything has been printed; a receiver stops nobody."""
LOCK_PATIENCE = 5.0
"""Seconds to wait for a lock: as long as PostgreSQL may need to notice that the process which held it was killed."""


def database_now() -> datetime:
    """Return the time by the database server's clock (UTC), the one clock that all machines share.

    With the embedded server that is this machine's clock, so order runs by their ids, not by times.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _lock_key(kind: str, name: str) -> int:
    """A stable signed 64-bit key for an advisory lock."""
    return int.from_bytes(hashlib.blake2b(f"{kind}\0{name}".encode(), digest_size=8).digest(), signed=True)


def _try_lock(key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


def _unlock(key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def scope_lock(
    collector: str, scope: str, *, patience: float = LOCK_PATIENCE, name: str | None = None
) -> Generator[bool]:
    """Hold the lock of one scope; yields False when another run holds it.

    The lock belongs to the database session: it ends with the process, however that ends, and holds across machines.
    ``patience`` is in seconds. Log records call the scope ``name``, or what the lock is called.
    """
    require_own_session()
    key, give_up = _lock_key(collector, scope), time.monotonic() + patience
    while not (held := _try_lock(key)) and time.monotonic() < give_up:
        time.sleep(0.1)
    try:
        with log_fields(scope=name or scope):
            yield held
    finally:
        if held and connection.is_usable():
            _unlock(key)


@contextmanager
def unhurried_commits() -> Generator[None]:
    """Commits that do not wait for the disk, for work that is read again when it is lost.

    When the database server crashes, the last second's transactions may be gone, each as a whole and together with the
    position that it saved. Any later commit that waits makes them durable as well.
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
    """Whether the process of a run still holds its lock; nothing is locked to find out."""
    key = _lock_key("run", str(run.pk)) % 2**64
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory'"
            " AND d.datname = current_database() AND l.classid = %s AND l.objid = %s AND l.objsubid = 1 AND l.granted)",
            [key >> 32, key % 2**32],
        )
        return bool(cursor.fetchone()[0])


_current_run: ContextVar[CollectorRun | None] = ContextVar("current_run", default=None)


def current_run() -> CollectorRun | None:
    """The run that this process is in, if any."""
    return _current_run.get()


def mark_interrupted(collector: str | None = None) -> None:
    """Close the runs, of one collector or all, whose process is gone: nobody holds their lock any more."""
    running = CollectorRun.objects.filter(outcome=CollectorRun.Outcome.RUNNING)
    running = running.filter(collector=collector) if collector else running
    if own := current_run():  # a session gets its own locks again
        running = running.exclude(pk=own.pk)
    for run in running:
        key = _lock_key("run", str(run.pk))
        if _try_lock(key):
            running.filter(pk=run.pk).update(
                outcome=CollectorRun.Outcome.INTERRUPTED, finished_at=database_now(), counts=progress_counts(run)
            )
            _unlock(key)


def last_was_cut_off(collector: str) -> bool:
    """Whether the run of a collector before the current one ended before its end: killed, or stopped by hand."""
    runs = CollectorRun.objects.filter(collector=collector)
    if own := current_run():
        runs = runs.exclude(pk=own.pk)
    last = runs.order_by("-pk").first()
    return last is not None and last.outcome == CollectorRun.Outcome.INTERRUPTED


def progress_counts(run: CollectorRun) -> dict[str, int]:
    """Return the items by stream that a run without a result had read when it last wrote its progress."""
    streams: object = (run.progress or {}).get("streams")
    if not isinstance(streams, dict):
        return {}
    return {str(name): int(number) for name, number in streams.items() if number}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@contextmanager
def recorded_run(collector: str, options: Mapping[str, Any]) -> Generator[CollectorRun]:
    """Open a line of the ledger, and close those that killed processes left open.

    The caller closes it with :func:`finish_run`; a run that is left without is found failed here, and interrupted by
    the next run when the process dies.
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
    key = _lock_key("run", str(run.pk))
    _try_lock(key)
    token = _current_run.set(run)
    try:
        with log_fields(collector=collector, run_id=run.pk):
            yield run
    finally:
        _current_run.reset(token)
        if connection.is_usable():
            _unlock(key)


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
    """Close a line of the ledger. ``error`` is one line from which secrets have been taken, as are the scopes'."""
    run.finished_at = database_now()
    run.outcome, run.counts, run.requests = outcome, dict(counts), requests
    run.failure_category, run.error, run.scopes = category, error, [dict(scope) for scope in scopes]
    run.save(update_fields=["finished_at", "outcome", "counts", "requests", "failure_category", "error", "scopes"])
