"""Formats the output of commands: numbers and durations, line breaks for terminals, and hidden characters."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from django.core.management.base import OutputWrapper

from core.operations.visible import ExactText, visible

DETAILS = {
    "inserted": "new", "updated": "updated", "deleted": "deleted", "malformed": "malformed", "refused": "refused",
}  # fmt: skip
"""The displayed word for each suffix of the names of counts.

A count with such a suffix is a detail of another count: ``issues_inserted`` is a part of ``issues``.
"""
UNCOUNTED = ("malformed", "refused", "inserted", "updated", "deleted", "embedded", "skipped")
"""Last words of the names of counts that are the same in singular and plural."""


def number_of(count: int, noun: str) -> str:
    """Return a number with a noun, such as ``1 request`` or ``1,234 requests``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def counted_words(counts: Mapping[str, int]) -> str:
    """Return named counts as one text, such as ``1 issue, 2,345 issue comments (12 new, 3 updated)``.

    A count such as ``issues_inserted`` appears as a detail of ``issues``. Zeros are left out.
    """
    parts: dict[str, list[str]] = {}
    for name, count in counts.items():
        head, _, last = name.rpartition("_")
        if count and last in DETAILS and counts.get(head):
            parts.setdefault(head, []).append(f"{count:,} {DETAILS[last]}")
    phrases: list[str] = []
    for name, count in counts.items():
        head, _, last = name.rpartition("_")
        if not count or (last in DETAILS and counts.get(head)):
            continue
        details = f" ({', '.join(parts[name])})" if name in parts else ""
        if last in DETAILS and head:
            phrases.append(f"{count:,} {DETAILS[last]} {_in_number(head.replace('_', ' '), count)}")
        else:
            phrases.append(f"{count:,} {_in_number(name.replace('_', ' '), count)}{details}")
    return ", ".join(phrases)


def size_in_words(size: int) -> str:
    """Return a number of bytes as ``512 bytes``, ``1.5 kB`` or ``4.2 MB``."""
    if size < 1000:
        return number_of(size, "byte")
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def stored_in_words(counts: Mapping[str, int]) -> str:
    """Return the part of an interrupted run's last line that lists its stored data."""
    stored = counted_words(counts)
    return f"stored so far: {stored}" if stored else "nothing has been stored yet"


def duration_in_words(seconds: float) -> str:
    """Return a duration as ``0.8 s``, ``12 s``, ``3 min 05 s`` or ``2 h 07 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _in_number(name: str, count: int) -> str:
    """Return the plural name of a count, such as ``issues``, or its singular when ``count`` is 1."""
    head, _, last = name.rpartition(" ")
    if count != 1 or last in UNCOUNTED or not last.endswith("s") or last.endswith("ss"):
        return name
    singular = f"{last[:-3]}y" if last.endswith("ies") else last[:-1]
    return f"{head} {singular}".strip()


def at_terminal() -> bool:
    """Return whether a person reads the messages: standard input or standard error is a terminal.

    Under cron and systemd, both streams are files or pipes. A person who pipes the output still has a terminal as
    standard input.
    """
    return any(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))


def wrapped(line: str, stream: Any) -> str:
    """Return the line, wrapped between words to the width of the terminal.

    If ``stream`` is not a terminal, return the line unchanged.
    """
    if not stream.isatty():
        return line
    width = max(20, shutil.get_terminal_size().columns - 1)
    broken = textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(broken)


class SafeOutput(OutputWrapper):
    """A stream for Django commands that writes hidden characters as code points and ``ExactText`` unchanged.

    With ``exact``, all texts are written unchanged to files and pipes.
    """

    def __init__(self, out: Any, *, exact: bool = False) -> None:
        while isinstance(out, SafeOutput):  # another command called this command; hidden characters are converted once
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
