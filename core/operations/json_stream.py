"""JSON files that are larger than memory: one object whose members, and the items of its arrays, are read one by one.

The standard library's scanner reads each value, as fast as ``json.loads``; only what is needed of the file is held.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

BLANK = re.compile(r"[ \t\r\n]*")
STEP = 1 << 20
"""Bytes that are read at once."""
LONGEST = 64 << 20
"""Characters that one value may take; what is longer is no list of small things."""
NEAR_THE_END = 16
"""Characters: where a value is cut off, the scanner complains about one of the last."""


class BadJson(ValueError):
    """The file is not as announced; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


class JsonReader:
    """Reads a file that was opened in binary mode::

        for key in reader.names():
            if key == "messages":
                for line, item in reader.items(): ...
            else:
                line, value = reader.value()

    Each key's value must be read before the next. BadJson for what is no JSON, and for UTF-8 that is none.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = json.JSONDecoder()
        self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False
        self._line, self._counted = 1, 0
        """The line at a place up to which line breaks have been counted."""

    def names(self) -> Iterator[str]:
        """The names of the members of the whole, in their order."""
        self._take("{")
        while self._peek() != "}":
            line, key = self.value()
            if not isinstance(key, str):
                raise BadJson(line, "a name was expected")
            self._take(":")
            yield key
            if self._peek() != "}":
                self._take(",")
        self._take("}")
        if self._peek():
            raise BadJson(self.line(), "something stands behind the end")

    def items(self) -> Iterator[tuple[int, Any]]:
        """The items of an array, each with the line on which it begins."""
        self._take("[")
        while self._peek() != "]":
            yield self.value()
            if self._peek() != "]":
                self._take(",")
        self._take("]")

    def value(self) -> tuple[int, Any]:
        """The next value, and the line on which it begins."""
        self._peek()
        line = self.line()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                place = self.line(error.pos)
                if self._is_final(error) or not self._more():
                    raise BadJson(place, error.msg) from error
            except (ValueError, RecursionError) as error:
                raise BadJson(line, f"cannot be read: {type(error).__name__}") from error
            else:
                cut = isinstance(found, int | float) and end + NEAR_THE_END > len(self._text)  # "1." of 1.5 is a 1
                size = end - self._at  # of what is held: reading more moves it
                if not cut or not self._more():
                    self._at += size
                    return line, found

    def line(self, at: int | None = None) -> int:
        """The line of a place in what is held; without one, of the next thing to read."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line + (self._text.count("\n", self._at, at) if at is not None else 0)

    def _is_final(self, error: json.JSONDecodeError) -> bool:
        """Whether more of the file would not help."""
        unfinished = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - NEAR_THE_END
        return not unfinished or len(self._text) - self._at > LONGEST

    def _peek(self) -> str:
        """The next character that is not blank; empty at the end of the file."""
        while True:
            blank = BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> None:
        found = self._peek()
        if found != wanted:
            reason = f"{wanted!r} was expected, not {found!r}" if found else "the file ends too early"
            raise BadJson(self.line(), reason)
        self._at += 1

    def _more(self) -> bool:
        """Forget what was read and hold more; False at the end of the file."""
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
