"""Output to terminals: whether a person reads it, line widths, and hidden characters."""

import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any, TextIO

from django.core.management.base import OutputWrapper

from core.operations.visible import ExactText, visible


def at_terminal() -> bool:
    """Return whether standard input or standard error is a terminal, so that a person reads the messages.

    Under cron and systemd both are files or pipes. A person who pipes the output still has a terminal as input.
    """
    return any(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


def wrapped(line: str, stream: Any) -> str:
    """Return a line that is wrapped between words to the width of a terminal; unchanged for other streams."""
    if not stream.isatty():
        return line
    width = max(20, shutil.get_terminal_size().columns - 1)
    broken = textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(broken)


class SafeOutput(OutputWrapper):
    """Django's output stream, which shows hidden characters as code points; ``ExactText`` is written unchanged.

    With ``exact``, files and pipes get every text unchanged.
    """

    def __init__(self, out: Any, *, exact: bool = False) -> None:
        while isinstance(out, SafeOutput):  # a command that another command called; convert once
            out = out.wrapped
        super().__init__(out)
        self.wrapped: TextIO = out
        self._exact = exact

    def write(
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:  # fmt: skip
        """Write a text and its line end."""
        if not (isinstance(msg, ExactText) or (self._exact and not self.isatty())):
            msg = visible(str(msg))
        super().write(msg, style_func, ending)
