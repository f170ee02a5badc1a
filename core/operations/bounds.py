"""Time limits for requests and child processes, and the rule for redirects. All clients of other services use them.

A credential is sent only to the address in its setting. Therefore no client follows a redirect to another address.
If a library follows redirects by default, the client prevents this and reports an error. A repository that moved on
GitHub is requested again below the configured address (``github_ops.links``).

Every wait is limited. Clients limit the time to connect, the time between two bytes and the time for the whole answer.
Waits end at most ``GRACE`` seconds after the end of the run (``--max-seconds``, MAX_RUN_SECONDS). For other waits, such
as database statements, ``core.runs.time_limit`` sets an alarm a few seconds after the end of the run.
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
"""Maximum seconds to open a connection. A larger value would delay the retry when a service is unreachable."""
IDLE = 60.0
"""Maximum seconds without a received byte. Some GitHub queries need 10 seconds, and hosted models up to 30."""
ANSWER = 120.0
"""Maximum seconds for a whole answer, even when bytes arrive steadily.

A connection with 5 Mbit/s transfers the largest allowed answer (``LARGEST``) in this time.
"""
QUERY = 20.0
"""Maximum seconds for a whole answer while a person waits, such as for the vector of a search query.

The page needs the answer before gunicorn kills the worker, which happens after 60 seconds.
"""
GIT_FETCH = 3600.0
"""Maximum seconds for one ``git fetch``. The largest public repositories need about 20 minutes."""
GIT_LOCAL = 900.0
"""Maximum seconds for a git command that only reads the local copy. A larger value would hide a disk that hangs."""
GIT_SILENCE = 120
"""Seconds without a received byte after which git gives up. Busy servers send a keepalive packet every 5 seconds.

https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackkeepAlive
"""
GRACE = 1.0
"""Seconds after the end of a run in which an answer may still arrive. A nearly complete answer is then not lost."""
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
NEEDED_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""Environment variables that child processes such as git inherit. Other variables may contain tokens."""
MOST_DIGITS = 24
"""Maximum characters of a number in a header. Longer numbers are not valid times and are expensive to convert."""
LARGEST = 64 * 1024 * 1024
"""Maximum bytes of one answer. Every documented page is far smaller, so a larger answer is an error."""
TIME_IS_OVER = "stopped at the time limit (--max-seconds); run again to continue"
Value = TypeVar("Value")
_ends: list[float] = []
"""End times of the nested runs of this process (monotonic clock), outermost run first."""


@contextmanager
def run_ends_after(seconds: float | None) -> Generator[None]:
    """End every wait inside the block, in all threads, at the latest ``seconds`` from now.

    Of nested limits, the earliest applies. ``None`` and 0 add no limit.
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
    """Return the end time of this run (monotonic clock), or ``None`` without a limit."""
    return _ends[-1] if _ends else None


def earlier_end(deadline: float | None) -> float | None:
    """Return the earlier of ``deadline`` and the end of this run (monotonic clock), or ``None`` without a limit."""
    bounds = [bound for bound in (deadline, run_end()) if bound is not None]
    return min(bounds, default=None)


def time_left(deadline: float | None = None) -> float | None:
    """Return the seconds until ``deadline`` or the end of this run, whichever is earlier. ``None`` means no limit."""
    end = earlier_end(deadline)
    return None if end is None else end - time.monotonic()


def check_time(seconds: float = 0.0, deadline: float | None = None) -> None:
    """Raise BudgetExhausted when the run or ``deadline`` ends within ``seconds``."""
    left = time_left(deadline)
    if left is not None and left <= seconds:
        raise BudgetExhausted(TIME_IS_OVER)


class Allowance:
    """Limits the requests and seconds of a run, counted from its creation. ``None`` means no limit."""

    def __init__(self, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.max_requests = max_requests
        self.deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self.spent = 0

    def spend(self) -> None:
        """Count one request. Raises BudgetExhausted when no more requests are allowed or the time is over."""
        if self.max_requests is not None and self.spent >= self.max_requests:
            raise BudgetExhausted(f"stopped at the request limit (--max-requests {self.spent}); run again to continue")
        self.check(0)
        self.spent += 1

    def check(self, seconds: float) -> None:
        """Raise BudgetExhausted when a wait of ``seconds`` would end after the deadline or after the end of the run."""
        check_time(seconds, self.deadline)


def pause(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait ``seconds``. Raises BudgetExhausted at once when the run would end during the wait."""
    check_time(seconds)
    sleep(seconds)


def within(seconds: float, deadline: float | None = None) -> float:
    """Return ``seconds``, or the seconds until ``GRACE`` after the end of the run or ``deadline`` if they are fewer."""
    left = time_left(deadline)
    return seconds if left is None else max(0.0, min(seconds, left + GRACE))


def call_within(
    seconds: float,
    work: Callable[[], Value],
    *,
    deadline: float | None = None,
    abandon: Callable[[], None] | None = None,
) -> Value:
    """Call ``work`` in a separate thread and return its result or raise its error.

    A socket's timeout restarts with every byte, so it cannot limit a whole answer. ``abandon`` is called when this
    function stops waiting before ``work`` ends. Raises TimeoutError after ``seconds``, or BudgetExhausted when the run
    or ``deadline`` is over.
    """
    outcome: list[tuple[Value | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:  # noqa: BLE001  (raised again in the waiting thread)
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
        raise TimeoutError(f"no complete answer within {seconds:.0f} seconds")
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # pyright: ignore[reportReturnType]  # without an error there is a value


def wait_seconds(value: object) -> float | None:
    """Return a value of a header or body as seconds, or ``None`` if it is not a finite number of at least 0."""
    text = str(value).strip()
    if not text.isascii() or len(text) > MOST_DIGITS:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class RedirectRefused(SourceUnavailable):
    """A service answered with a redirect, which is not followed."""


def redirect_refused(service: str, setting: str, advice: str = "") -> RedirectRefused:
    """Return the error for a redirect that is not followed.

    ``setting`` names the setting with the service's address. ``advice`` is a sentence for the end of the message.
    """
    return RedirectRefused(
        f"{service} redirects to another address, but credentials are sent only to the address in {setting}. "
        f"Check the setting, and any proxy between this machine and the service. {advice}".rstrip()
    )


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child process. It contains only ``NEEDED_VARIABLES`` and ``extra``."""
    return {name: os.environ[name] for name in NEEDED_VARIABLES if name in os.environ} | dict(extra)


@contextmanager
def bounded_process(process: "subprocess.Popen[bytes]", seconds: float) -> Generator[Callable[[], bool]]:
    """Kill a process and its children when a time limit is reached or the block raises an error.

    The time limit is ``seconds``, or the end of the run if it is earlier. Start the process with
    ``start_new_session=True``, so that its children are in its process group. Yields a function that returns whether
    the time limit was reached.
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
    """Kill a process that was started in a new session, and its children."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def run_program(
    command: Iterable[str], *, seconds: float, env: Mapping[str, str], cwd: "str | os.PathLike[str] | None" = None,
    input_bytes: bytes | None = None,
) -> "subprocess.CompletedProcess[bytes]":  # fmt: skip
    """Run a program to its end, with ``input_bytes`` as standard input. Return its exit code and output.

    At a time limit, the program and its children are killed. Raises TimeoutError after ``seconds``, or BudgetExhausted
    at the end of the run.
    """
    check_time()
    arguments = list(command)
    process = subprocess.Popen(
        arguments, cwd=cwd, env=dict(env), stdin=subprocess.PIPE if input_bytes is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with bounded_process(process, seconds) as is_late:
        out, err = process.communicate(input_bytes)
    if is_late():
        check_time()
        raise TimeoutError(f"{arguments[0]} did not end within {seconds:.0f} seconds")
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)
