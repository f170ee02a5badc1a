"""Ids that carry their time, as Discord's do: https://discord.com/developers/docs/reference#snowflakes."""

import itertools
from datetime import UTC, datetime

EPOCH = 1_420_070_400_000


class Snowflakes:
    """Makes ids; those of one millisecond differ."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def at(self, moment: datetime) -> int:
        """An id that was made then."""
        return (int(moment.timestamp() * 1000) - EPOCH) << 22 | next(self._numbers) % 4096


def time_of(snowflake: int) -> datetime:
    """When an id was made (UTC)."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC)


def written(moment: datetime) -> str:
    """A time as Discord writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
