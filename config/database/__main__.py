"""``python -m config.database stop|status|url``: the embedded server, by hand."""

import os
import sys
from pathlib import Path

from dotenv import load_dotenv

from config.database.client import ensure_running, stop
from config.database.home import Home, StartFailed


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
        elif order == "url":
            sys.stdout.write(f"postgresql:///activity_trackers?user=postgres&host={ensure_running(home)}\n")
        else:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    except StartFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
