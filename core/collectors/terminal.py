"""Whether a person runs the command, and lines that fit into the terminal."""

import shutil
import sys
import textwrap
from typing import Any


def at_terminal() -> bool:
    """Return whether standard input or standard error is a terminal: a person reads the messages of this command.

    Under cron and systemd both are files or pipes; a person who pipes the output still types into a terminal.
    """
    return any(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


def wrapped(line: str, stream: Any) -> str:
    """Return a line broken between words for the width of a terminal; unchanged where the stream is none."""
    if not stream.isatty():
        return line
    width = max(20, shutil.get_terminal_size().columns - 1)
    broken = textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(broken)
