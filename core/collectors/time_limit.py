"""The end of a run at ``--max-seconds``, whatever it waits for.

Waits for other machines end by themselves (``core.operations.bounds``). What is left is the database and everything
else that blocks this process: a few seconds after the end of the run an alarm cancels the statement that is being
executed, or raises BudgetExhausted where the main thread is.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from psycopg.pq import TransactionStatus

from core.errors import BudgetExhausted
from core.operations.bounds import TIME_IS_OVER, run_end, run_ends_after

LAST_CALL = 3.0
"""Seconds after the end of a run until the alarm; waits that end by themselves need less."""
AGAIN = 1.0
"""Seconds until the next alarm: a database server that does not react to a cancellation is disconnected."""
AFTERWARDS = 2.0
"""Seconds that the ledger and the notices may take after the end of a run."""


def allowed_seconds(options: "dict[str, Any]") -> float | None:
    """Return the seconds that a command may run: ``--max-seconds``, else MAX_RUN_SECONDS; ``None``: no limit."""
    given = options.get("max_seconds")
    return settings.MAX_RUN_SECONDS or None if given is None else float(given)


@contextmanager
def time_limit(seconds: float | None) -> Generator[None]:
    """Raise BudgetExhausted out of the block when it lasts longer than so many seconds and some more.

    In threads other than the main one, and without a limit here or outside, only ``bounds`` apply.
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
        """Cancel the statement of this thread's connection, or raise; once."""
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
