"""``python -m embedded_postgres serve|stop|status|url``: control the embedded server.

``serve`` runs the server until SIGTERM or SIGINT, for systemd. If DATABASE_URL is set, it exits immediately.
``stop`` stops the server, and the server of the sample community.
``status`` prints "running" or "stopped". This is the default.
``url`` starts the server and prints its connection URL for psql and pg_dump.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from dotenv import load_dotenv

from embedded_postgres.client import ensure_running, stop
from embedded_postgres.cluster_paths import ClusterPaths, StartError
from embedded_postgres.roles import DATABASE, ROLE, prepare_database


def main() -> int:
    """Run the command for the server in VAR_DIR, and return the exit code.

    VAR_DIR is read from the environment or from ``.env``. The default is ``var`` in the project's folder.
    """
    root = Path(__file__).resolve().parents[1]
    load_dotenv(root / ".env")
    paths = ClusterPaths(Path(os.environ.get("VAR_DIR", "").strip() or root / "var").absolute() / "postgres")
    command = sys.argv[1] if len(sys.argv) > 1 else "status"
    try:
        if command == "stop":
            stop(ClusterPaths(paths.path.parent / "demo" / "postgres"))  # the server of the sample community
            stop(paths)
        elif command == "status":
            sys.stdout.write("running\n" if paths.path.is_dir() and paths.listening() else "stopped\n")
        elif command == "serve":
            return 0 if os.environ.get("DATABASE_URL", "").strip() else serve(paths)
        elif command == "url":
            host = ensure_running(paths)
            prepare_database(host)
            sys.stdout.write(f"postgresql:///{DATABASE}?user={ROLE}&host={host}\n")
        else:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    except StartError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def serve(paths: ClusterPaths) -> int:
    """Run the server until SIGTERM or SIGINT, and return 0. Return 1 if the server ends unexpectedly."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: signals.append(received))
    ensure_running(paths)
    notify_systemd("READY=1")
    while not signals and paths.listening():
        time.sleep(0.5)
    if not signals:
        sys.stderr.write(f"error: the embedded server has ended unexpectedly; see {paths.log}\n")
        return 1
    stop(paths)
    return 0


def notify_systemd(state: str) -> None:
    """Send ``state``, such as ``READY=1``, to the service manager. Does nothing if no manager started this process.

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
