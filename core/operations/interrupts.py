"""SIGINT and SIGTERM end a command within a bound, with one line and the exit code 128 + number of the signal.

Both become exceptions in the main thread, so that transactions are rolled back, locks are released and children are
ended on the way out. An exception of a signal can be lost (Python ignores exceptions in finalizers) and code that
cleans up can block, so the signal is repeated once, and then the process ends without more ado. That is safe: every
write path survives a kill.

Imports the standard library only: ``manage.py`` catches signals before Django is loaded.
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
"""Seconds from a signal until it is repeated, when the command is still working."""
END_AFTER = 8.0
"""Seconds from a signal until the process ends, whatever it is doing: less than the 10 that Docker allows."""
STORED = "what was stored stays"
"""What the line says about the data, unless the command knows more."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; everything that handles Ctrl-C handles it as well."""


_first: signal.Signals | None = None
"""The signal that asked this process to end."""
_is_reported = False
"""Whether the line has been printed."""


def catch_signals() -> None:
    """Raise KeyboardInterrupt or Terminated in the main thread for each signal that was not ignored at the start."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # "nohup", or "&" in a shell script
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    atexit.register(ignore_signals)  # registered first, so it runs last


def ignore_signals() -> None:
    """Ignore further signals: the work is done and its result is printed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interruption_in(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interruption that an error is, or that it followed from; ``None`` for any other error.

    An error while a block is left, such as that of a transaction that cannot be rolled back, replaces the interruption.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, KeyboardInterrupt):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def line_for(error: KeyboardInterrupt, stored: str = STORED) -> str:
    """Return the line that a command ends with; ``stored`` says what becomes of the data."""
    return _line(signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT, stored)


def report(error: KeyboardInterrupt, line: str = "") -> int:
    """Print the line on standard error, and return the exit code."""
    global _is_reported
    _is_reported = True
    sys.stderr.write(f"{line or line_for(error)}\n")
    sys.stderr.flush()
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def _line(number: signal.Signals, stored: str) -> str:
    word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    return f"{word}: {stored}; run again to go on"


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Handle a signal. A thread of ``threading`` could not be started here: its lock may be held."""
    global _first
    if _first is None:
        _first = signal.Signals(number)
        _thread.start_new_thread(_enforce, (_first,))
    if not _is_reported:
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _enforce(number: signal.Signals) -> None:
    """Repeat the signal when the command is still working, then end the process."""
    main = threading.main_thread().ident
    time.sleep(REPEAT_AFTER)
    if main is not None and not _is_reported:
        signal.pthread_kill(main, number)  # also interrupts a system call of the main thread
    time.sleep(END_AFTER - REPEAT_AFTER)
    if not _is_reported:
        os.write(2, f"{_line(number, STORED)}\n".encode())
    os._exit(128 + number)


def _unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    """Print nothing about an interruption that Python ignores; the signal is repeated."""
    if not isinstance(ignored.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
