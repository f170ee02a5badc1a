"""Makes one step of input or output fail in a Python process. Python loads this module if its folder is on PYTHONPATH.

The environment variable ``IO_FAULT`` contains a JSON object:

- ``at``: the number of the step that fails. With 0, the steps are only counted.
- ``lasting``: whether later steps fail too. The disk then stays full, or reads from the network fail for a while.
- ``way``: an integer that selects one of the ways to fail.
- ``report``: the file for the report.

The variable is removed from the environment, so that it does not affect programs that this process starts.

The steps are: creating a file or folder (``create``), writing (``write``), syncing (``fsync``) or renaming (``rename``)
a file, reading from the network (``read``), starting a program (``program``), and opening a database session
(``server``).
"""

import builtins
import errno
import io
import itertools
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

DISK = {"create", "write", "fsync", "rename"}
OUTAGE = 12
"""Number of steps during which network reads fail in a lasting fault. No client makes this many attempts."""
FULL = OSError(errno.ENOSPC, "No space left on device")
BROKEN = OSError(errno.EIO, "Input/output error")
_open, _write, _os_open = io.open, os.write, os.open


class Steps:
    """Counts the steps, and decides which steps fail."""

    def __init__(self, *, at: int, lasting: bool, way: int, report: str) -> None:
        self.at, self.lasting, self.way, self.report = at, lasting, way, report
        self.numbers = itertools.count(1)
        self.failed = ""
        """Kind of the first step that failed, or an empty text."""

    def fails(self, kind: str, what: object) -> bool:
        """Count one step, and return whether it must fail."""
        number = next(self.numbers)
        again = self.lasting and (
            (self.failed in DISK and kind in DISK) or (self.failed == kind == "read" and number < self.at + OUTAGE)
        )
        if number != self.at and not again:
            return False
        if not self.failed:
            self.failed = kind
            self.note(f"step {number} {kind} {what}")
        return True

    def disk_error(self) -> OSError:
        """Return the error of a full disk or of a broken disk."""
        chosen = FULL if self.lasting or self.way % 3 else BROKEN
        return OSError(chosen.errno, chosen.strerror)

    def note(self, line: str) -> None:
        """Add a line to the report."""
        descriptor = _os_open(self.report, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        _write(descriptor, f"{line}\n".encode())
        os.close(descriptor)


def arm(steps: Steps) -> None:
    """Replace the functions for input and output with functions that count steps and can fail."""
    _count_files(steps)
    for name, kind in (
        ("write", "write"), ("fsync", "fsync"), ("fdatasync", "fsync"), ("rename", "rename"), ("replace", "rename"),
        ("link", "rename"),
    ):  # fmt: skip
        setattr(os, name, _failing(getattr(os, name), kind, steps))
    _count_network(steps)
    _count_programs(steps)
    _count_sessions(steps)
    import atexit

    atexit.register(lambda: steps.note(f"steps {next(steps.numbers) - 1}"))


def _failing(work: Callable[..., Any], kind: str, steps: Steps) -> Callable[..., Any]:
    def act(*args: Any, **options: Any) -> Any:
        if steps.fails(kind, args[0]):
            raise steps.disk_error()
        return work(*args, **options)

    return act


def _count_files(steps: Steps) -> None:
    class CountedFile(io.FileIO):
        """A file in which a failing write stores half of its data before the error."""

        spoiled = False

        def write(self, data: Any, /) -> int:
            if self.spoiled or steps.fails("write", self.name):
                if self.spoiled or len(data) < 2:
                    self.spoiled = False
                    raise steps.disk_error()
                self.spoiled = True
                return super().write(bytes(data)[: len(data) // 2])
            return super().write(data)

    def counted_open(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **options: Any) -> Any:
        if not set(mode) & set("wax+"):
            return _open(file, mode, buffering, *args, **options)
        named = zip(("encoding", "errors", "newline", "closefd", "opener"), args, strict=False)
        given = {"encoding": None, "errors": None, "newline": None, "closefd": True, "opener": None}
        given |= dict(named) | options
        is_new = not isinstance(file, int) and given["opener"] is None and not set(mode) & set("r")
        if is_new and steps.fails("create", file):
            raise steps.disk_error()
        raw = CountedFile(
            file, "".join(sorted(set(mode) - set("bt"))), closefd=given["closefd"], opener=given["opener"]
        )
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffered = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(
            buffered, given["encoding"], given["errors"], given["newline"], line_buffering=buffering == 1
        )
        text.mode = mode  # pyright: ignore[reportAttributeAccessIssue]
        return text

    def counted_os_open(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT and steps.fails("create", path):
            raise steps.disk_error()
        return _os_open(path, flags, *args, **options)

    make_folder = os.mkdir

    def counted_mkdir(path: Any, *args: Any, **options: Any) -> None:
        if not Path(path).exists() and steps.fails("create", path):
            raise steps.disk_error()
        make_folder(path, *args, **options)

    builtins.open = io.open = counted_open
    os.open, os.mkdir = counted_os_open, counted_mkdir


def _count_network(steps: Steps) -> None:
    def counted(name: str) -> Callable[..., Any]:
        work = getattr(socket.socket, name)

        def read(self: socket.socket, *args: Any, **options: Any) -> Any:
            if self.family != socket.AF_UNIX and steps.fails("read", name):
                raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
            return work(self, *args, **options)

        return read

    for name in ("recv", "recv_into"):
        setattr(socket.socket, name, counted(name))


def _count_programs(steps: Steps) -> None:
    start = subprocess.Popen.__init__

    def counted(self: Any, args: Any, *more: Any, **options: Any) -> None:
        words = args if isinstance(args, str) else " ".join(map(str, args))
        if not steps.fails("program", Path(words.split(" ")[0]).name):
            start(self, args, *more, **options)
        elif steps.way % 3 == 0:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        elif steps.way % 3 == 1:
            start(self, ["/bin/false"], *more, **options)
        else:
            start(self, args, *more, **options)
            os.kill(self.pid, signal.SIGKILL)

    subprocess.Popen.__init__ = counted


def _count_sessions(steps: Steps) -> None:
    try:
        import psycopg
    except ImportError:  # this Python lacks the project's requirements
        return
    connect = psycopg.connect

    def counted(*args: Any, **options: Any) -> Any:
        if not steps.fails("server", options.get("dbname", "")):
            return connect(*args, **options)
        if steps.way % 3 == 0:
            raise psycopg.OperationalError("connection failed: refused by a test")
        connection = connect(*args, **options)
        backend = connection.info.backend_pid
        postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        process = backend if steps.way % 3 == 1 else postmaster
        late = threading.Timer(steps.way % 7 / 10, os.kill, (process, signal.SIGKILL))
        late.daemon = True
        late.start()
        return connection

    psycopg.connect = counted


if spec := os.environ.pop("IO_FAULT", ""):
    arm(Steps(**json.loads(spec)))
