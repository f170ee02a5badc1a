"""The process that owns the embedded server: starts it, and stops it when nobody needs it any more.

Run by ``client`` as ``python -I -S keeper.py HOME PROGRAMS REPORT_FD``; it puts itself into the background.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from config.database.account import choose_account
from config.database.cluster import (
    failure_reason,
    make_socket_folder,
    prepare_data,
    remove_socket_folder,
    start_postmaster,
)
from config.database.home import Home, SettingsFault, StartFailed, same_file, server_processes

IDLE_SECONDS = 20.0
TICK_SECONDS = 0.25
START_SECONDS = 85.0
LARGEST_LOG = 10 * 1024 * 1024


def main() -> None:
    """Become a daemon, serve, and leave nothing running."""
    home, programs, report = Home(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    if os.fork():
        os._exit(0)
    os.set_inheritable(report, False)
    try:
        keeper = home.lock("keeper")
        server = _server_lock(home)
        postmaster, folder = _start(home, programs, server)
    except (SettingsFault, StartFailed, OSError) as error:
        kind = "settings:" if isinstance(error, SettingsFault) else ""
        os.write(report, f"{kind}{error}".encode())
        return
    os.write(report, b"ready")
    os.close(report)
    _watch(home, postmaster)
    _end(postmaster)
    remove_socket_folder(home, folder) if home.path.exists() else None
    os.close(keeper)


def _server_lock(home: Home) -> int:
    """Taken when no process of an earlier server is left; those whose keeper died end by themselves, or are ended."""
    for attempt in range(60):
        held = home.try_lock("server")
        if held is not None:
            return held
        if attempt > 20 and home.data.exists():
            for number in server_processes(home.data.stat()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL if attempt > 40 else signal.SIGQUIT)
        time.sleep(0.25)
    raise StartFailed(f"an earlier server still works in {home.data}; end it, then run the command again")


def _start(home: Home, programs: Path, lock: int) -> tuple["subprocess.Popen[bytes]", str]:
    home.stop.unlink(missing_ok=True)
    if home.log.exists() and home.log.stat().st_size > LARGEST_LOG:
        home.log.replace(home.log.with_suffix(".log.old"))
    account = choose_account(home, programs / "postgres")
    prepare_data(home, programs, account, lock)
    folder = make_socket_folder(home, account)
    begin = home.log.stat().st_size if home.log.exists() else 0
    postmaster = start_postmaster(home, programs, account, folder, [lock])
    give_up = time.monotonic() + START_SECONDS
    while not home.listening():
        if postmaster.poll() is not None or time.monotonic() > give_up:
            reason = failure_reason(home, begin)
            _end(postmaster)
            raise StartFailed(reason)
        time.sleep(0.02)
    return postmaster, str(folder)


def _watch(home: Home, postmaster: "subprocess.Popen[bytes]") -> None:
    """Return when the server should end: nobody needs it, somebody asked, its folder is gone, or it has ended."""
    data = os.open(home.data, os.O_RDONLY)
    idle_since: float | None = None
    while postmaster.poll() is None and not home.stop.exists() and same_file(data, home.data):
        clients = home.try_lock("clients")
        if clients is None:
            idle_since = None
        else:
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since > IDLE_SECONDS:
                return  # the lock stays held until this process ends: a client that comes now waits, then starts anew
            os.close(clients)
        time.sleep(TICK_SECONDS)


def _end(postmaster: "subprocess.Popen[bytes]") -> None:
    """A fast and clean stop; an immediate one when that takes too long."""
    for sign, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if postmaster.poll() is None:
            postmaster.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                postmaster.wait(seconds)


if __name__ == "__main__":
    main()
