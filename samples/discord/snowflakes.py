"""Create ids that contain a time, like Discord's ids.

https://discord.com/developers/docs/reference#snowflakes
"""

import itertools
from datetime import UTC, datetime

EPOCH = 1_420_070_400_000


class Snowflakes:
    """Create ids. Ids for the same time are different within 4,096 successive calls."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def at(self, moment: datetime) -> int:
        """Return a new id that contains the given time."""
        return (int(moment.timestamp() * 1000) - EPOCH) << 22 | next(self._numbers) % 4096


def time_of(snowflake: int) -> datetime:
    """Return the time that an id contains, in UTC."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def written(moment: datetime) -> str:
    """Return a time in Discord's format."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
