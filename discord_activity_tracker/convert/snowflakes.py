"""Convert Discord's numbers: ids (snowflakes), which contain the time of their creation, integers and permission bits.

https://discord.com/developers/docs/reference#snowflakes
"""

from datetime import UTC, datetime

from core.ingest.values import bounded_int

EPOCH = 1_420_070_400_000
"""Milliseconds from the Unix epoch to 2015-01-01 UTC, the start of the time in Discord's ids."""
LONGEST_NUMBER = 40
"""A number that is written as text must have fewer digits than this. Permission bits of 128 bits have at most 39."""


def snowflake(text: str | int) -> int:
    """Return an id as a number. Raises ValueError for a number that does not fit in a bigint column."""
    return bounded_int(int(text))


def snowflake_or_none(text: str | int | None) -> int | None:
    """Return an id, or ``None`` if it is missing. Exports write 0 for a missing id."""
    return (snowflake(text) or None) if text else None


def small_int(number: int | None) -> int:
    """Return a number for an integer column, or 0 for a missing number.

    Raises ValueError for a number of more than 32 bits.
    """
    return bounded_int(int(number or 0), 32, lowest=-(1 << 31))


def whole_number(value: object) -> int | None:
    """Return a number that Discord may write as text, such as permission bits. Return ``None`` for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else None


def snowflake_time(snowflake: int) -> datetime:
    """Return the time at which an id was created (UTC, in milliseconds)."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def first_snowflake(moment: datetime) -> int:
    """Return the smallest id that can be created at a time, or 0 for a time before 2015."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH) << 22
