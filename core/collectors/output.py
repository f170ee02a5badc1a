"""What commands print: no text from a source acts on the terminal, or on the log, that it is written to."""

from collections.abc import Callable
from typing import Any, TextIO

from django.core.management.base import OutputWrapper

from core.operations.visible import ExactText, visible


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
