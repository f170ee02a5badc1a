"""Collected texts made harmless: no character in them moves a cursor, changes a direction or hides from the reader.

Pages, terminals, logs and messages use this module and no rule of their own. Which characters hide is decided by their
Unicode properties: controls, format characters, private use, unpaired surrogates and those that have no glyph
(https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point). Line feeds and tabs stay.
"""

import json
import re
from collections.abc import Callable
from typing import Any

JOINERS = {"\u200c", "\u200d"}
"""They hold emoji and letters of some scripts together, and stay after a character outside ASCII."""
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variants of the character before them; a second one in a row, or one after a letter of ASCII, selects nothing."""
SELECTABLE = frozenset("0123456789#*")
"""The characters of ASCII that have an emoji variant."""
HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line and paragraph separators, directions
    "\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates, private use
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # tags, variants, private use
    f"{SELECTORS}]"
)
SELECTOR = re.compile(f"[{SELECTORS}]")
BREAKS = re.compile(r"\r\n|[\r\n\t\x0b\x0c\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return the text with each hidden character as its number, such as ``‹U+202E›``; CRLF and CR become LF."""
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _replace(text, lambda sign: f"‹U+{ord(sign):04X}›")


def visible_line(text: str) -> str:
    """Return the text as one line: line breaks and tabs are spaces, hidden characters are numbers."""
    return visible(BREAKS.sub(" ", text))


def without_hidden(text: str, replacement: str = "") -> str:
    """Return the text without hidden characters, for places where each column counts."""
    return _replace(text, lambda sign: replacement)


def json_text(value: Any, **options: Any) -> "ExactText":
    """Return JSON whose hidden characters are escapes (``\\u202e``): harmless to look at, and the same when read.

    The options are those of ``json.dumps``.
    """
    return ExactText(HIDDEN.sub(lambda match: _escape(match[0]), json.dumps(value, **options)))


class ExactText(str):
    """A text that output streams write as it is: it is harmless already, such as visible words in colours."""

    __slots__ = ()


def _replace(text: str, by: Callable[[str], str]) -> str:
    if not any(map(HIDDEN.match, set(text))):  # ten times as fast as the search for texts that hide nothing
        return text

    def replaced(match: re.Match[str]) -> str:
        sign, at = match[0], match.start()
        return sign if _is_needed(sign, text[max(0, at - 1) : at]) else by(sign)

    return HIDDEN.sub(replaced, text)


def _is_needed(sign: str, before: str) -> bool:
    """Return whether the character belongs to the one before it, as in an emoji or in Persian and Hindi words."""
    if sign in JOINERS:
        return bool(before) and not before.isascii() and before not in JOINERS
    if SELECTOR.match(sign):
        shown = bool(before) and (not before.isascii() or before in SELECTABLE)
        return shown and not HIDDEN.match(before)
    return False


def _escape(sign: str) -> str:
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
