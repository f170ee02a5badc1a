"""Discord's ids carry the time at which they were made.

https://discord.com/developers/docs/reference#snowflakes
"""

from datetime import UTC, datetime

EPOCH = 1_420_070_400_000
"""Milliseconds of 2015-01-01 UTC."""


def moment_of(snowflake: int) -> datetime:
    """When an id was made (UTC, milliseconds)."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def first_at(moment: datetime) -> int:
    """The smallest id that can be made at a time; 0 for times before Discord."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH) << 22
