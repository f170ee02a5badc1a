"""The background process that owns the embedded server. It starts the server, and stops it when no client is left.

``client`` starts this process as ``python -I -S supervisor.py FOLDER PROGRAMS REPORT_FD``. The process detaches itself,
writes "ready" or the reason for a failure to REPORT_FD, and ends with the server.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from embedded_postgres.cluster import (
    failure_reason,
    make_socket_folder,
    prepare_data,
    remove_socket_folder,
    start_postmaster,
)
from embedded_postgres.cluster_paths import (
    SUPERVISOR,
    ClusterPaths,
    SettingsError,
    StartError,
    same_file,
    server_processes,
)
from embedded_postgres.os_user import choose_os_user

IDLE_SECONDS = 20.0
"""Seconds that the server keeps running after the last client ends, so that the next command needs no new start."""
TICK_SECONDS = 0.25
"""Seconds between checks for clients and for a stop request. A shorter interval would use more processor time."""
START_SECONDS = 85.0
"""Maximum seconds for a start. After a crash, the server may have to replay a large write-ahead log."""
LARGEST_LOG = 10 * 1024 * 1024
"""Size of the log in bytes above which a start renames it to ``server.log.old`` and begins a new log.

The log contains only warnings and errors, so it takes long to reach this size.
"""


def main() -> None:
    """Detach from the client, run the server until it must stop (see ``_watch``), and stop all of its processes."""
    paths, programs, report = ClusterPaths(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    if os.fork():
        os._exit(0)
    os.set_inheritable(report, False)
    try:
        supervisor = paths.lock(SUPERVISOR)
        server = _server_lock(paths)
        postmaster, folder = _start(paths, programs, server)
    except (SettingsError, StartError, OSError) as error:
        kind = "settings:" if isinstance(error, SettingsError) else ""
        os.write(report, f"{kind}{error}".encode())
        return
    os.write(report, b"ready")
    os.close(report)
    _watch(paths, postmaster)
    _end(postmaster)
    if paths.path.exists():
        remove_socket_folder(paths, folder)
    os.close(supervisor)


def _server_lock(paths: ClusterPaths) -> int:
    """Take the server lock and return its descriptor. The lock is free if no process of an earlier server is left.

    If the supervisor of an earlier server died, the server's processes end by themselves. After 5 seconds, remaining
    processes get SIGQUIT, and after 10 seconds SIGKILL. Raises StartError if the lock is not free after 15 seconds.
    """
    for attempt in range(60):
        lock = paths.try_lock("server")
        if lock is not None:
            return lock
        if attempt > 20 and paths.data.exists():
            for number in server_processes(paths.data.stat()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL if attempt > 40 else signal.SIGQUIT)
        time.sleep(0.25)
    raise StartError(f"an earlier server is still running in {paths.data}; stop it, then run the command again")


def _start(paths: ClusterPaths, programs: Path, lock: int) -> tuple["subprocess.Popen[bytes]", str]:
    paths.stop.unlink(missing_ok=True)
    if paths.log.exists() and paths.log.stat().st_size > LARGEST_LOG:
        paths.log.replace(paths.log.with_suffix(".log.old"))
    user = choose_os_user(paths, programs / "postgres")
    prepare_data(paths, programs, user, lock)
    folder = make_socket_folder(paths, user)
    begin = paths.log.stat().st_size if paths.log.exists() else 0
    postmaster = start_postmaster(paths, programs, user, folder, [lock])
    give_up = time.monotonic() + START_SECONDS
    while not paths.listening():
        if postmaster.poll() is not None or time.monotonic() > give_up:
            reason = failure_reason(paths, begin)
            _end(postmaster)
            raise StartError(reason)
        time.sleep(0.02)
    return postmaster, str(folder)


def _watch(paths: ClusterPaths, postmaster: "subprocess.Popen[bytes]") -> None:
    """Wait until a stop is requested, the data folder is gone, or the server has ended by itself.

    Also returns if there has been no client for ``IDLE_SECONDS``.
    """
    data = os.open(paths.data, os.O_RDONLY)
    idle_since: float | None = None
    while postmaster.poll() is None and not paths.stop.exists() and same_file(data, paths.data):
        clients = paths.try_lock("clients")
        if clients is None:
            idle_since = None
        else:
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since > IDLE_SECONDS:
                return  # this process holds the lock until it ends, so a new client waits and then starts a new server
            os.close(clients)
        time.sleep(TICK_SECONDS)


def _end(postmaster: "subprocess.Popen[bytes]") -> None:
    """Stop the server with a fast shutdown.

    After 20 seconds, the server gets SIGQUIT (immediate shutdown), and after 5 more seconds SIGKILL.
    """
    for number, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if postmaster.poll() is None:
            postmaster.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                postmaster.wait(seconds)


if __name__ == "__main__":
    main()
