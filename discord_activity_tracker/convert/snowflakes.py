"""Discord's numbers: ids (snowflakes), which contain the time of their creation, integers and permission bits.

https://discord.com/developers/docs/reference#snowflakes
"""

from datetime import UTC, datetime

from core.ingest.values import bounded_int

EPOCH = 1_420_070_400_000
"""Milliseconds since the Unix epoch at 2015-01-01 UTC, where Discord's ids begin."""
LONGEST_NUMBER = 40
"""Digits of a number that is written as text, exclusive: permission bits of 128 bits have at most 39."""


def snowflake(text: str | int) -> int:
    """Return an id. Raises ValueError for a number that a bigint column cannot hold."""
    return bounded_int(int(text))


def snowflake_or_none(text: str | int | None) -> int | None:
    """Return an id that may be missing; exports write 0 for a missing one."""
    return (snowflake(text) or None) if text else None


def small_int(number: int | None) -> int:
    """Return a number for an integer column, 0 for a missing one. Raises ValueError beyond 32 bits."""
    return bounded_int(int(number or 0), 32, lowest=-(1 << 31))


def whole_number(value: object) -> int | None:
    """Return a number that Discord may write as text, as it does permission bits; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else None


def snowflake_time(snowflake: int) -> datetime:
    """Return the time at which an id was created (UTC, in milliseconds)."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def first_snowflake(moment: datetime) -> int:
    """Return the smallest id that can be created at a time; 0 for times before 2015."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH) << 22
