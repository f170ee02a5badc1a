"""Values as PostgreSQL can hold them."""

import re
from datetime import datetime
from typing import Any

Row = dict[str, Any]
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL's text cannot hold: NUL and halves of surrogate pairs."""
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What converting an item raises when it is not as documented."""


def what_is_malformed(error: Exception) -> str:
    """Say in words for people why an item could not be converted."""
    if isinstance(error, KeyError) and error.args:
        return f"the field {str(error.args[0])[:60]!r} is missing"
    if isinstance(error, OverflowError) or "out of range" in str(error):
        return "a number or an id is out of range"
    return "a field is not of the kind that Discord documents"


def clean(text: str | None) -> str:
    """Text with U+FFFD for what cannot be stored. Nothing else is touched."""
    if not text:
        return ""
    return text if text.isascii() and "\0" not in text else UNSTORABLE.sub("\ufffd", text)


def clip(text: str | None, limit: int) -> str:
    """A clean text of at most ``limit`` characters."""
    return clean(text)[:limit]


def one_line(text: str, limit: int = 200) -> str:
    """The beginning of a text as one clean line."""
    return " ".join(clean(text[: 5 * limit]).split())[:limit]


def moment(text: str) -> datetime:
    """An aware time; ValueError without a zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"a time without a zone: {text!r}")
    return found


def moment_or_none(text: str | None) -> datetime | None:
    """The same for a time that may be missing."""
    return moment(text) if text else None


def snowflake(text: str | int) -> int:
    """An id; ValueError for what a bigint cannot hold."""
    found = int(text)
    if not 0 <= found < 1 << 63:
        raise ValueError(f"an id out of range: {found}")
    return found


def snowflake_or_none(text: str | int | None) -> int | None:
    """Return an id that may be missing; 0 means none, as exports write it."""
    return (snowflake(text) or None) if text else None


def small(number: int | None) -> int:
    """A number that an integer column holds; 0 for none, ValueError for more."""
    found = int(number or 0)
    if not -(1 << 31) <= found < 1 << 31:
        raise ValueError(f"a number out of range: {found}")
    return found


def whole_number(value: object) -> int | None:
    """A whole number that may be written as text, as Discord writes permission bits; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 40 else None


def storable(value: object) -> Any:
    """Any JSON value with every text in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [storable(member) for member in value]
    if isinstance(value, dict):
        return {clean(str(key)): storable(member) for key, member in value.items()}
    return value
