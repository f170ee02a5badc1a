"""Reads JSON files that are larger than memory: the members of one object, and the items of arrays, one by one.

Each value is read by the standard library's scanner, so reading is as fast as ``json.loads``. Only the current part of
the file is in memory.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

BLANK = re.compile(r"[ \t\r\n]*")
STEP = 1 << 20
"""Minimum bytes of one read. With smaller reads, unfinished values would be parsed more often."""
LONGEST = 64 << 20
"""Maximum characters of an unfinished value. ``JsonReader`` refuses a file with a longer value.

With a larger maximum, an invalid file would fill more memory before it is refused.
"""
NEAR_THE_END = 16
"""Number of characters at the end of the buffer in which an error may mean only that the value is incomplete.

Every incomplete literal and escape sequence is shorter.
"""


class BadJson(ValueError):
    """The file is not valid JSON, or it does not have the expected structure. Line numbers begin at 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


class JsonReader:
    """A reader for a file that is open in binary mode::

        for key in reader.names():
            if key == "messages":
                for line, item in reader.items(): ...
            else:
                line, value = reader.value()

    Read the value of each name before the next name. Raises BadJson for invalid JSON and invalid UTF-8.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = json.JSONDecoder()
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False
        self._line, self._counted = 1, 0
        """``_line`` is the line number at the position ``_counted`` of the buffer."""

    def names(self) -> Iterator[str]:
        """Yield the names of the outer object's members, in order."""
        self._take("{")
        while self._peek() != "}":
            line, key = self.value()
            if not isinstance(key, str):
                raise BadJson(line, "expected a name")
            self._take(":")
            yield key
            if self._peek() != "}":
                self._take(",")
        self._take("}")
        if self._peek():
            raise BadJson(self.line(), "there is text after the end of the object")

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield the items of an array as pairs: the line on which an item begins, and the item."""
        self._take("[")
        while self._peek() != "]":
            yield self.value()
            if self._peek() != "]":
                self._take(",")
        self._take("]")

    def value(self) -> tuple[int, Any]:
        """Return the line on which the next value begins, and the value."""
        self._peek()
        line = self.line()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                error_line = self.line(error.pos)
                if self._is_final(error) or not self._more():
                    raise BadJson(error_line, error.msg) from error
            except (ValueError, RecursionError) as error:
                raise BadJson(line, f"cannot be read: {type(error).__name__}") from error
            else:
                cut = isinstance(value, int | float) and end + NEAR_THE_END > len(self._text)  # "1." parses as 1
                size = end - self._at  # relative, because ``_more`` changes the positions
                if not cut or not self._more():
                    self._at += size
                    return line, value

    def line(self, at: int | None = None) -> int:
        """Return the line number of a position in the buffer. ``None`` means the current position."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line + (self._text.count("\n", self._at, at) if at is not None else 0)

    def _is_final(self, error: json.JSONDecodeError) -> bool:
        """Return whether reading more of the file would not help: the JSON is invalid, or the value is too long."""
        unfinished = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - NEAR_THE_END
        return not unfinished or len(self._text) - self._at > LONGEST

    def _peek(self) -> str:
        """Return the next character that is not white space, or an empty string at the end of the file."""
        while True:
            blank = BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, expected: str) -> None:
        actual = self._peek()
        if actual != expected:
            reason = f"expected {expected!r}, not {actual!r}" if actual else "the file ends too early"
            raise BadJson(self.line(), reason)
        self._at += 1

    def _more(self) -> bool:
        """Drop the consumed text and read more of the file. Return False at the end of the file."""
        if self._ended:
            return False
        self.line()
        self._text, self._at, self._counted = self._text[self._at :], 0, 0
        chunk = self._file.read(max(STEP, len(self._text)))
        self._ended = not chunk
        try:
            self._text += self._bytes.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            lines = self._text.count("\n") + chunk.count(b"\n", 0, error.start)
            raise BadJson(self._line + lines, "is not UTF-8") from error
        return not self._ended
