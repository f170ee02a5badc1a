"""``python -m config.database serve|stop|status|url``: the embedded server, by hand.

``serve`` keeps it running until SIGTERM, for systemd; with DATABASE_URL it ends at once."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from dotenv import load_dotenv

from config.database.client import ensure_running, stop
from config.database.home import Home, StartFailed
from config.database.roles import DATABASE, ROLE, prepare_database


def main() -> int:
    """Act on the server of VAR_DIR (default ``var``), which ``.env`` may set as it does for every command."""
    root = Path(__file__).resolve().parents[2]
    load_dotenv(root / ".env")
    home = Home(Path(os.environ.get("VAR_DIR", "").strip() or root / "var").absolute() / "postgres")
    order = sys.argv[1] if len(sys.argv) > 1 else "status"
    try:
        if order == "stop":
            stop(Home(home.path.parent / "demo" / "postgres"))  # of the sample community
            stop(home)
        elif order == "status":
            sys.stdout.write("running\n" if home.path.is_dir() and home.listening() else "stopped\n")
        elif order == "serve":
            return 0 if os.environ.get("DATABASE_URL", "").strip() else serve(home)
        elif order == "url":
            host = ensure_running(home)
            prepare_database(host)
            sys.stdout.write(f"postgresql:///{DATABASE}?user={ROLE}&host={host}\n")
        else:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    except StartFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def serve(home: Home) -> int:
    """Keep the server running until SIGTERM or SIGINT; 1 when it ends by itself."""
    wanted: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: wanted.append(received))
    ensure_running(home)
    notify_systemd("READY=1")
    while not wanted and home.listening():
        time.sleep(0.5)
    if not wanted:
        sys.stderr.write("error: the embedded server has ended; see its log\n")
        return 1
    stop(home)
    return 0


def notify_systemd(state: str) -> None:
    """Tell the service manager; without one nothing happens.

    https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        channel.send(state.encode())


if __name__ == "__main__":
    sys.exit(main())
