"""Ends commands within seconds after SIGINT or SIGTERM, with one line and exit code 128 plus the signal number.

Both signals become exceptions in the main thread, so that transactions are rolled back, locks are released and child
processes are stopped. Such an exception can be lost, because Python ignores exceptions in finalizers. Clean-up code can
also block. Therefore the signal is repeated once, and then the process exits. The exit is safe, because stored
data stays consistent when the process is killed at any point.

This module imports only the standard library, because ``manage.py`` catches signals before it loads Django.
"""

import _thread
import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
REPEAT_AFTER = 4.0
"""Seconds from a signal until it is repeated, if the command did not react to it.

This is half of ``END_AFTER``, so that the command also has time to react to the second signal.
"""
END_AFTER = 8.0
"""Seconds from a signal until the process exits in any case. Docker kills a process after 10 seconds."""
STORED = "stored data is safe"
"""The text about stored data in the last line of an interrupted command that reports no counts."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. Code that handles Ctrl-C also handles this exception."""


_first: signal.Signals | None = None
"""The first signal that this process received."""
_is_handled = False
"""Whether the command received the signal's exception and is ending."""
_is_reported = False
"""Whether the command has begun to print its last line."""


def catch_signals() -> None:
    """Raise KeyboardInterrupt or Terminated in the main thread for each signal, unless the process ignores it."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored after "nohup", or after "&" in a shell script
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    atexit.register(ignore_signals)  # runs last, because it is registered first


def ignore_signals() -> None:
    """Ignore further signals. Call this after the result of the command has been printed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def begin_to_end() -> None:
    """Prevent the repetition of the signal, because a second exception would interrupt the report of the command."""
    global _is_handled
    _is_handled = True


def interruption_in(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interruption that caused an error, or ``None`` if no signal arrived.

    An error during clean-up, such as a failed rollback, has the interruption as its context. Every other error after a
    signal also counts as an interruption, for two reasons. The signal's exception may have been lost, and Ctrl-C may
    have ended a child process, which is reported as a failed program.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, KeyboardInterrupt):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    if _first is None:
        return None
    return KeyboardInterrupt() if _first == signal.SIGINT else Terminated()


def line_for(error: KeyboardInterrupt, stored: str = STORED) -> str:
    """Return the last line of an interrupted command. ``stored`` says what happened to the data."""
    return _line(signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT, stored)


def report(error: KeyboardInterrupt, line: str = "") -> int:
    """Print the last line on standard error and return the exit code."""
    global _is_reported
    _is_reported = True
    sys.stderr.write(f"{line or line_for(error)}\n")
    sys.stderr.flush()
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def _line(number: signal.Signals, stored: str) -> str:
    word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    return f"{word}: {stored}; run again to continue"


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Raise the exception for a signal. The first signal also starts the thread that enforces the end of the process.

    ``_thread`` is used because the signal may arrive while the main thread holds a lock of ``threading``.
    """
    global _first
    if _first is None:
        _first = signal.Signals(number)
        _thread.start_new_thread(_enforce, (_first,))
    if not _is_reported:
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _enforce(number: signal.Signals) -> None:
    """Repeat the signal after ``REPEAT_AFTER`` if the command has not reacted. End the process after ``END_AFTER``."""
    main = threading.main_thread().ident
    time.sleep(REPEAT_AFTER)
    if main is not None and not (_is_handled or _is_reported):
        signal.pthread_kill(main, number)  # also interrupts a system call of the main thread
    time.sleep(END_AFTER - REPEAT_AFTER)
    if not _is_reported:
        os.write(2, f"{_line(number, STORED)}\n".encode())
    os._exit(128 + number)


def _unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    """Print an exception that Python ignored in a finalizer, except an interruption, because its signal is repeated."""
    if not isinstance(ignored.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
