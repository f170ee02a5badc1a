"""Ends a run at ``--max-seconds``, even while it waits for the database.

Waits for other machines end by themselves (``core.operations.bounds``). For the database and everything else that
blocks this process, an alarm rings a few seconds after the end of the run. It cancels the current statement, or raises
BudgetExhausted in the main thread.
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
"""Seconds from the end of a run to the alarm; other waits end earlier by themselves."""
AGAIN = 1.0
"""Seconds between alarms. The second one disconnects a database server that ignores the cancellation."""
AFTERWARDS = 2.0
"""Seconds after the end of a run for the ledger and for messages."""


def allowed_seconds(options: "dict[str, Any]") -> float | None:
    """Return how many seconds a command may run: ``--max-seconds``, else MAX_RUN_SECONDS; ``None``: no limit."""
    seconds = options.get("max_seconds")
    return settings.MAX_RUN_SECONDS or None if seconds is None else float(seconds)


@contextmanager
def time_limit(seconds: float | None) -> Generator[None]:
    """End the block with BudgetExhausted a few seconds after ``seconds``.

    In threads other than the main one only the limits of ``bounds`` apply. ``None`` sets no limit, but an outer limit
    still applies.
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
        """Cancel the current statement, disconnect at the second alarm, or raise BudgetExhausted once."""
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
