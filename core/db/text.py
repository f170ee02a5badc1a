"""Text that PostgreSQL can store: the one place that decides which characters it cannot hold."""

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text and jsonb refuse, and unpaired surrogates, which UTF-8 cannot encode.

https://www.postgresql.org/docs/current/datatype-character.html
https://www.postgresql.org/docs/current/datatype-json.html
"""
REPLACEMENT = "\ufffd"
"""U+FFFD REPLACEMENT CHARACTER."""


def replace_unstorable(text: str, replacement: str = REPLACEMENT) -> str:
    """Return the text with ``replacement`` in place of each character that PostgreSQL cannot store."""
    if text.isascii() and "\0" not in text:  # true for most texts and five times as fast as the pattern
        return text
    return UNSTORABLE.sub(replacement, text)
