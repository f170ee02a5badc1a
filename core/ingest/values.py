"""Pure functions that convert values of payloads for database columns: text, JSON, integers and aware times."""

import operator
from datetime import datetime
from typing import Any, cast

from core.db.text import replace_unstorable

Row = dict[str, Any]
"""Values of a row by attribute name of the model (``author_id`` for a foreign key)."""


def clean(text: str | None) -> str:
    """Return the text, with U+FFFD in place of characters that PostgreSQL cannot store. Returns "" for ``None``."""
    if not text:
        return ""
    if text.isascii() and "\0" not in text:  # true for most texts, and faster than another function call
        return text
    return replace_unstorable(text)


def clean_or_none(text: str | None) -> str | None:
    """Return the cleaned text, or ``None`` for ``None``. Use it for columns where "missing" and "empty" differ."""
    return None if text is None else clean(text)


def clip(text: str | None, limit: int) -> str:
    """Return the cleaned text, cut to ``limit`` characters for a column of that width."""
    return clean(text)[:limit]


def one_line(text: str, limit: int = 200) -> str:
    """Return the beginning of a text as one cleaned line for the timeline. Does not remove markup."""
    beginning = text[:limit]
    # Among printable characters, only the space is white space, and PostgreSQL can store all of them.
    if beginning.isprintable() and "  " not in beginning and beginning == beginning.strip(" "):
        return beginning
    return " ".join(clean(text[: 5 * limit]).split())[:limit]


def clean_json(value: Any) -> Any:
    """Return a JSON value in which every text and key is cleaned, so that a jsonb column accepts it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_json(member) for member in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(member) for key, member in cast("dict[Any, Any]", value).items()}
    return value


def parse_time(text: str) -> datetime:
    """Return the time in an ISO 8601 text.

    Raises ValueError for a time without a zone and for text in another format.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"the time {text!r} must have a time zone")
    return time


def parse_time_or_none(text: str | None) -> datetime | None:
    """Return the time in an ISO 8601 text, or ``None`` for a missing or empty text.

    Raises the errors of ``parse_time``.
    """
    return parse_time(text) if text else None


def utc_text(time: datetime) -> str:
    """Return a UTC time as ISO 8601 text with ``Z``, as ``ActivityRecord.occurred_at`` requires."""
    return time.isoformat().replace("+00:00", "Z")


def bounded_int(number: int, bits: int = 64, *, lowest: int = 0) -> int:
    """Return the number, after a check that a signed column of ``bits`` bits can store it.

    Raises ValueError if the column is too small or the number is less than ``lowest``. Raises TypeError for a value
    that is not an integer. Without this check, PostgreSQL would refuse the whole page because of one number.
    """
    value = operator.index(number)
    if not lowest <= value < 1 << (bits - 1):
        raise ValueError(f"the number {value} is out of range")
    return value


def bounded_int_or_none(number: int | None, bits: int = 64) -> int | None:
    """Return a number that may be negative, or ``None`` for ``None``.

    Raises ValueError if the number does not fit into a signed column of ``bits`` bits.
    """
    return None if number is None else bounded_int(number, bits, lowest=-(1 << (bits - 1)))


def account_number(external_id: str) -> int | None:
    """Return the number of an account id, or ``None`` for an empty id.

    Raises ValueError for an id that is not a number, or that a column of 64 bits cannot store.
    """
    if not external_id:
        return None
    if not (external_id.removeprefix("-").isascii() and external_id.removeprefix("-").isdigit()):
        raise ValueError(f"the account id {external_id[:60]!r} must be a number")
    return bounded_int(int(external_id), lowest=-(1 << 63))
