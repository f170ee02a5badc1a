"""Commands in a real pseudo-terminal, recorded as a person sees them.

``python -m tests.support.terminal 80 manage.py collect_github owner/name`` prints a recording.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
CTRL_C = b"\x03"
LONGEST = 300.0
"""Seconds after which a command is ended."""
CLEAR = "\r\x1b[2K"


@dataclass(kw_only=True)
class Recording:
    """What a command wrote, in pieces with their times in seconds from its start."""

    columns: int
    exit_code: int = 0
    pieces: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def text(self) -> str:
        """Everything that was written."""
        return "".join(text for _, text in self.pieces)

    @property
    def lines(self) -> list[str]:
        """The lines that stay on the screen."""
        kept = [re.split(r"\r(?:\x1b\[2K)?", line)[-1] for line in self.text.replace("\r\n", "\n").split("\n")]
        return [line for line in kept if line.strip()]

    @property
    def updates(self) -> list[str]:
        """The progress lines, in the order in which they were shown."""
        parts = [part for part in self.text.split(CLEAR)[1:] if part and "\n" not in part]
        return [part.split("\r")[0] for part in parts]

    @property
    def widest(self) -> int:
        """The columns of the longest progress line."""
        return max(map(len, self.updates), default=0)

    @property
    def longest_gap(self) -> float:
        """The longest time, in seconds, between two writings after the first."""
        times = [when for when, text in self.pieces if text]
        return max((after - before for before, after in pairwise(times)), default=0.0)


def record(
    command: Sequence[str], *, columns: int = 80, env: Mapping[str, str] | None = None, cwd: Path = ROOT,
    press: Sequence[tuple[str, bytes]] = (),
) -> Recording:  # fmt: skip
    """Run a command in a terminal; ``press`` are texts to wait for, in turn, and the keys to press then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    began, found = time.monotonic(), Recording(columns=columns)
    waiting, seen = list(press), 0

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    names = ("COLUMNS", "LINES", "PYTEST_CURRENT_TEST", "DJANGO_SETTINGS_MODULE")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(
        list(command), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, start_new_session=True,
        env=inherited | {"TERM": "xterm"} | dict(env or {}), preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(theirs)
    while time.monotonic() - began < LONGEST:
        if not select.select([ours], [], [], 1.0)[0]:
            continue
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux reports EIO when the last process has closed the terminal
            break
        if not data:
            break
        found.pieces.append((time.monotonic() - began, data.decode(errors="replace")))
        while waiting and (place := found.text.find(waiting[0][0], seen)) >= 0:
            seen = place + len(waiting[0][0])
            os.write(ours, waiting.pop(0)[1])
    else:
        process.kill()
    os.close(ours)
    found.exit_code = process.wait()
    return found


def main() -> None:
    """Print a recording: when each line appeared, and how often it was written anew."""
    found = record([sys.executable, *sys.argv[2:]], columns=int(sys.argv[1]))
    for when, text in found.pieces:
        for part in text.replace(CLEAR, "\n").splitlines():
            if part.strip():
                sys.stdout.write(f"{when:7.2f}  {part}\n")
    sys.stdout.write(f"exit code {found.exit_code}, longest gap {found.longest_gap:.2f} s, widest {found.widest}\n")


if __name__ == "__main__":
    main()
