"""Makes hidden characters in collected texts visible, so that they cannot move a cursor or reverse the text.

Pages, terminals, logs and messages all use this module. Hidden characters are controls, format characters, private-use
characters, unpaired surrogates, and characters without a glyph
(https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point). Line feeds and tabs stay.
"""

import json
import re
from collections.abc import Callable
from typing import Any

JOINERS = {"\u200c", "\u200d"}
"""Characters that join emoji and the letters of some scripts. They stay unchanged after other non-ASCII characters."""
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Characters that select a variant of the preceding character.

A selector counts as hidden at the start of a text, after a match of ``HIDDEN``, and after ASCII characters that are not
in ``SELECTABLE``.
"""
SELECTABLE = frozenset("0123456789#*")
"""ASCII characters that have an emoji variant."""
HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, except tab and line feed
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
    """Return the text with each hidden character as its code point, such as ``‹U+202E›``. CRLF and CR become LF."""
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _replace(text, lambda character: f"‹U+{ord(character):04X}›")


def visible_line(text: str) -> str:
    """Return the text as one line: line breaks and tabs become spaces, hidden characters become code points."""
    return visible(BREAKS.sub(" ", text))


def without_hidden(text: str, replacement: str = "") -> str:
    """Return the text with ``replacement`` instead of hidden characters, for output of a fixed width."""
    return _replace(text, lambda _: replacement)


def json_text(value: Any, **options: Any) -> "ExactText":
    """Return JSON in which hidden characters are escapes such as ``\\u202e``. Parsers read the same value.

    The options are passed to ``json.dumps``.
    """
    return ExactText(HIDDEN.sub(lambda match: _escape(match[0]), json.dumps(value, **options)))


class ExactText(str):
    """A text that output streams write unchanged, such as text with colour codes."""

    __slots__ = ()


def _replace(text: str, by: Callable[[str], str]) -> str:
    if not any(map(HIDDEN.match, set(text))):  # ten times as fast as the search below
        return text

    def replaced(match: re.Match[str]) -> str:
        character, at = match[0], match.start()
        return character if _is_needed(character, text[max(0, at - 1) : at]) else by(character)

    return HIDDEN.sub(replaced, text)


def _is_needed(character: str, before: str) -> bool:
    """Return whether the character modifies the preceding character, as in emoji or in Persian and Hindi words."""
    if character in JOINERS:
        return bool(before) and not before.isascii() and before not in JOINERS
    if SELECTOR.match(character):
        is_selectable = bool(before) and (not before.isascii() or before in SELECTABLE)
        return is_selectable and not HIDDEN.match(before)
    return False


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
