"""The bounds of every wait for another machine, and the rule for redirects: one place for all clients.

A credential goes to the origin of its setting and to no other. No client follows a redirect to another address: a
library that would do so by itself is stopped, and the answer is reported. What GitHub moves is asked for again below
the configured root (``github_ops.links``).

Every wait ends: a client bounds the time to connect, the silence between two bytes and the whole answer; and nothing
waits longer than the run may last (``--max-seconds``, MAX_RUN_SECONDS).
"""

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TypeVar

from core.errors import BudgetExhausted, SourceUnavailable

CONNECT = 10.0
"""Seconds to open a connection."""
IDLE = 60.0
"""Seconds without a byte; some GitHub queries need 10, hosted models up to 30."""
ANSWER = 120.0
"""Seconds for a whole answer, however steadily it comes: 64 MB in that time is a slow line."""
QUERY = 20.0
"""Seconds for a whole answer for which a person waits, such as the vectors of a search."""
GIT_FETCH = 3600.0
"""Seconds for one ``git fetch``: the largest public repositories need about 20 minutes."""
GIT_LOCAL = 900.0
"""Seconds for a git command that only reads the local copy."""
GIT_SILENCE = 120
"""Seconds without a byte after which git gives up; servers that prepare an answer send something every 5 seconds.

https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackkeepAlive
"""
GRACE = 1.0
"""Seconds after the end of a run in which an answer may still arrive."""
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
NEEDED_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""Variables that programs such as git need; ours hold tokens, which are nobody else's business."""
MOST_DIGITS = 24
"""Characters of a number in a header; longer ones are no time, and expensive to convert."""
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer; no documented page comes near it."""
TIME_IS_OVER = "stopped because --max-seconds is over; run again to go on"
Value = TypeVar("Value")
_ends: list[float] = []
"""Times of the monotonic clock at which the runs of this process end, the outermost first."""


@contextmanager
def run_ends_after(seconds: float | None) -> Generator[None]:
    """Bound every wait inside, in all threads, to so many seconds from now; the earlier of two bounds counts.

    ``None`` or 0: no further bound.
    """
    if not seconds:
        yield
        return
    _ends.append(min([time.monotonic() + seconds, *_ends]))
    try:
        yield
    finally:
        _ends.pop()


def run_end() -> float | None:
    """Return when this run ends (monotonic clock); ``None`` when it may last for ever."""
    return _ends[-1] if _ends else None


def earlier_end(deadline: float | None) -> float | None:
    """Return the earlier of a deadline and the end of this run; both of the monotonic clock, ``None``: no bound."""
    bounds = [bound for bound in (deadline, run_end()) if bound is not None]
    return min(bounds, default=None)


def time_left(deadline: float | None = None) -> float | None:
    """Return the seconds until this run, or the deadline, ends; ``None``: no bound."""
    end = earlier_end(deadline)
    return None if end is None else end - time.monotonic()


def check_time(seconds: float = 0.0, deadline: float | None = None) -> None:
    """Raise BudgetExhausted when the run, or the deadline, ends within so many seconds."""
    left = time_left(deadline)
    if left is not None and left <= seconds:
        raise BudgetExhausted(TIME_IS_OVER)


def pause(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait. Raises BudgetExhausted at once when the run ends before."""
    check_time(seconds)
    sleep(seconds)


def within(seconds: float, deadline: float | None = None) -> float:
    """Return how long one answer may take: at most so many seconds, and not beyond the end of the run."""
    left = time_left(deadline)
    return seconds if left is None else max(0.0, min(seconds, left + GRACE))


def call_within(
    seconds: float,
    work: Callable[[], Value],
    *,
    deadline: float | None = None,
    abandon: Callable[[], None] | None = None,
) -> Value:
    """Return what ``work`` returns, or raise what it raises; it runs in a thread of its own.

    The time-outs of sockets begin anew with every byte, so they bound no answer. After so many seconds the thread is
    left alone: TimeoutError, or BudgetExhausted when the run (or ``deadline``) is over. ``abandon`` is called whenever
    nobody waits for ``work`` any more.
    """
    outcome: list[tuple[Value | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:  # noqa: BLE001  (raised again in the thread that waits)
            outcome.append((None, error))

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True, name="bounded call")
    thread.start()
    try:
        thread.join(within(seconds, deadline))
    finally:
        if not outcome and abandon is not None:
            abandon()
    if not outcome:
        check_time(0, deadline)
        raise TimeoutError(f"no whole answer within {seconds:.0f} seconds")
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # pyright: ignore[reportReturnType]  # without an error there is a value


def wait_seconds(value: object) -> float | None:
    """Return the seconds that an answer asks to wait; ``None`` (unknown) for what is no number of seconds."""
    text = str(value).strip()
    if not text.isascii() or len(text) > MOST_DIGITS:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class RedirectRefused(SourceUnavailable):
    """The answer is a redirect to another address, which is not followed."""


def redirect_refused(service: str, setting: str) -> RedirectRefused:
    """Return the error for a redirect that is not followed."""
    return RedirectRefused(
        f"{service} redirects to another address, and credentials go only to the one in {setting}: "
        "check it, and what is between this machine and the service"
    )


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program that is started here: what it needs, and ``extra``; no secret of ours."""
    return {name: os.environ[name] for name in NEEDED_VARIABLES if name in os.environ} | dict(extra)


@contextmanager
def bounded_process(process: "subprocess.Popen[bytes]", seconds: float) -> Generator[Callable[[], bool]]:
    """End a process and its children after so many seconds, at the end of the run, and when the block is left.

    Start it with ``start_new_session=True``: then its children are in its group. Yields whether time was over.
    """
    is_late, is_left_well = threading.Event(), False

    def stop() -> None:
        is_late.set()
        end_group(process)

    timer = threading.Timer(within(seconds), stop)
    timer.daemon = True
    timer.start()
    try:
        with process:
            try:
                yield is_late.is_set
                is_left_well = True
            finally:
                if not is_left_well:
                    end_group(process)
    finally:
        timer.cancel()


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that runs in a session of its own, and its children."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def run_program(
    command: Iterable[str], *, seconds: float, env: Mapping[str, str], cwd: "str | os.PathLike[str] | None" = None,
    given: bytes | None = None,
) -> "subprocess.CompletedProcess[bytes]":  # fmt: skip
    """Run a program and its children to the end, and return what they print.

    Raises TimeoutError after so many seconds, and BudgetExhausted at the end of the run; then all of them are killed.
    """
    check_time()
    arguments = list(command)
    process = subprocess.Popen(
        arguments, cwd=cwd, env=dict(env), stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with bounded_process(process, seconds) as is_late:
        out, err = process.communicate(given)
    if is_late():
        check_time()
        raise TimeoutError(f"{arguments[0]} did not end within {seconds:.0f} seconds")
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)
