"""Replaces the characters that PostgreSQL cannot store."""

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that cannot be stored.

PostgreSQL's text and jsonb refuse NUL. UTF-8 cannot encode unpaired surrogates.

https://www.postgresql.org/docs/current/datatype-character.html
https://www.postgresql.org/docs/current/datatype-json.html
"""
REPLACEMENT = "\ufffd"
"""The Unicode replacement character, which readers recognize as a sign of lost characters."""


def replace_unstorable(text: str, replacement: str = REPLACEMENT) -> str:
    """Return the text with ``replacement`` in place of each character that PostgreSQL cannot store."""
    if "\0" not in text and (text.isascii() or _can_be_encoded(text)):  # true for most texts
        return text
    return UNSTORABLE.sub(replacement, text)


def _can_be_encoded(text: str) -> bool:
    """Return whether a text contains no unpaired surrogate. This is five times as fast as the pattern."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
