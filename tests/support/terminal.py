"""Records the output of commands in a real pseudo-terminal, as people see it.

``python -m tests.support.terminal 80 manage.py collect_github owner/name`` prints a recording.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

Press = bytes | Callable[[int], None]
"""Keys to press, or a function to call with the id of the command's process."""
ROOT = Path(__file__).parents[2]
CTRL_C = b"\x03"
LONGEST = 300.0
"""Maximum number of seconds that a command may run. A longer command is killed, because it probably hangs."""
CLEAR = "\r\x1b[2K"


@dataclass(kw_only=True)
class Recording:
    """The output of a command in pieces. Each piece has its time in seconds after the start."""

    columns: int
    exit_code: int = 0
    pieces: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def text(self) -> str:
        """The whole output."""
        return "".join(text for _, text in self.pieces)

    @property
    def lines(self) -> list[str]:
        """The lines that are on the screen at the end."""
        lines = [re.split(r"\r(?:\x1b\[2K)?", line)[-1] for line in self.text.replace("\r\n", "\n").split("\n")]
        return [line for line in lines if line.strip()]

    @property
    def updates(self) -> list[str]:
        """All states of the progress line, in chronological order."""
        parts = [part for part in self.text.split(CLEAR)[1:] if part and "\n" not in part]
        return [part.split("\r")[0] for part in parts]

    @property
    def widest(self) -> int:
        """The number of characters in the longest progress line."""
        return max(map(len, self.updates), default=0)

    @property
    def first_line(self) -> float:
        """The number of seconds until the first output of the command."""
        return next((when for when, text in self.pieces if text), 0.0)

    @property
    def longest_gap(self) -> float:
        """The longest time between two consecutive pieces of output, in seconds."""
        times = [when for when, text in self.pieces if text]
        return max((after - before for before, after in pairwise(times)), default=0.0)


def record(
    command: Sequence[str], *, columns: int = 80, env: Mapping[str, str] | None = None, cwd: Path = ROOT,
    press: Sequence[tuple[str, Press]] = (),
) -> Recording:  # fmt: skip
    """Run a command in a terminal, and return the recording.

    ``press`` contains pairs: a text to wait for, and the keys to press or the function to call when the text appears.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    began, recording = time.monotonic(), Recording(columns=columns)
    waiting, seen = list(press), 0

    def own_terminal() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # commands that a script starts with "&" ignore SIGINT
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
        recording.pieces.append((time.monotonic() - began, data.decode(errors="replace")))
        while waiting and (position := recording.text.find(waiting[0][0], seen)) >= 0:
            seen = position + len(waiting[0][0])
            action = waiting.pop(0)[1]
            if isinstance(action, bytes):
                os.write(ours, action)
            else:
                action(process.pid)
    else:
        process.kill()
    os.close(ours)
    recording.exit_code = process.wait()
    return recording


def main() -> None:
    """Print a recording: each line and each update of a progress line, with its time."""
    recording = record([sys.executable, *sys.argv[2:]], columns=int(sys.argv[1]))
    for when, text in recording.pieces:
        for part in text.replace(CLEAR, "\n").splitlines():
            if part.strip():
                sys.stdout.write(f"{when:7.2f}  {part}\n")
    sys.stdout.write(
        f"exit code {recording.exit_code}, longest gap {recording.longest_gap:.2f} s, "
        f"widest line {recording.widest} columns\n"
    )


if __name__ == "__main__":
    main()
