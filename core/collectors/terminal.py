"""Whether a person runs the command, and lines that fit into the terminal."""

import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any, TextIO

from django.core.management.base import OutputWrapper

from core.operations.visible import ExactText, visible


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


class SafeOutput(OutputWrapper):
    """Django's output stream, in which hidden characters are shown by their numbers; ``ExactText`` passes.

    With ``exact`` everything passes unless the stream is a terminal: files and pipes get every character.
    """

    def __init__(self, out: Any, *, exact: bool = False) -> None:
        while isinstance(out, SafeOutput):  # a command that another command called: the text is made visible once
            out = out.wrapped
        super().__init__(out)
        self.wrapped: TextIO = out
        self._exact = exact

    def write(
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:  # fmt: skip
        """Write one text and its line end."""
        if not (isinstance(msg, ExactText) or (self._exact and not self.isatty())):
            msg = visible(str(msg))
        super().write(msg, style_func, ending)
