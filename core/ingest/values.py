"""Values of payloads as columns can hold them: text, JSON, integers and aware times. Pure functions."""

import operator
from datetime import datetime
from typing import Any, cast

from core.db.text import replace_unstorable

Row = dict[str, Any]
"""A row by attribute names of its model (``author_id`` for a foreign key)."""


def clean(text: str | None) -> str:
    """Return the text with U+FFFD in place of what PostgreSQL cannot store; empty for ``None``."""
    return replace_unstorable(text) if text else ""


def clean_or_none(text: str | None) -> str | None:
    """Return the cleaned text, or ``None`` for columns where "missing" and "empty" differ."""
    return None if text is None else clean(text)


def clip(text: str | None, limit: int) -> str:
    """Return the cleaned text, cut to ``limit`` characters for a column of that width."""
    return clean(text)[:limit]


def one_line(text: str, limit: int = 200) -> str:
    """Return the beginning of a text as one cleaned line for the timeline. Markup stays as it is."""
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
    """Return the aware time of an ISO 8601 text. Raises ValueError for a time without a zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"a time without a zone: {text!r}")
    return time


def parse_time_or_none(text: str | None) -> datetime | None:
    """Return the aware time of an ISO 8601 text, or ``None`` for a missing or empty one."""
    return parse_time(text) if text else None


def utc_text(time: datetime) -> str:
    """Return a time in UTC as ISO 8601 with ``Z``, as ``ActivityRecord.occurred_at`` requires."""
    return time.isoformat().replace("+00:00", "Z")


def bounded_int(number: int, bits: int = 64, *, lowest: int = 0) -> int:
    """Return the number if a signed column of ``bits`` bits can hold it and it is at least ``lowest``.

    Raises TypeError for a value that is no integer and ValueError for one out of range. Without this check, one
    number that PostgreSQL refuses would fail its whole page.
    """
    value = operator.index(number)
    if not lowest <= value < 1 << (bits - 1):
        raise ValueError(f"a number out of range: {value}")
    return value


def bounded_int_or_none(number: int | None, bits: int = 64) -> int | None:
    """Return the number, which may be negative, if a signed column of ``bits`` bits can hold it; ``None`` for none."""
    return None if number is None else bounded_int(number, bits, lowest=-(1 << (bits - 1)))
