"""The project's own limiter: discord.py knows Discord's buckets but not its global limit."""

import asyncio
import time


class Pace:
    """Lets requests pass one by one, evenly, at most so many a second; 0: as fast as they come.

    Discord allows a bot 50 a second: https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
    """

    def __init__(self, per_second: float) -> None:
        self._gap, self._next = 1 / per_second if per_second else 0.0, 0.0

    async def turn(self) -> None:
        """Wait for the next free place."""
        now = time.monotonic()
        place = max(now, self._next)
        self._next = place + self._gap
        if place > now:
            await asyncio.sleep(place - now)

    def hold(self, seconds: float) -> None:
        """Let nothing pass for so long."""
        self._next = max(self._next, time.monotonic() + seconds)
