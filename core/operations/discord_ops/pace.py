"""The project's own limiter: discord.py knows Discord's buckets but not its global limit."""

import asyncio
import time

CREDIT = 2
"""Requests that may be sent at once after a delay; a longer one is lost, or what waited would come in a bunch."""
REST = 0.3
"""Seconds without requests after the first ones, so that a slow connection cannot push them into those behind."""


class Pace:
    """Lets requests pass one by one, evenly, at most so many a second; 0: as fast as they come.

    The first half second's come at once, as most runs need no more. In no second do more than the limit and ``CREDIT``
    pass. Discord allows a bot 50 a second: https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
    """

    def __init__(self, per_second: float) -> None:
        self._gap, self._next = 1 / per_second if per_second else 0.0, 0.0
        self._at_once = self._first = int(per_second / 2)
        self._one_by_one = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for the next free place."""
        async with self._one_by_one:
            # What counts is when a request is really sent: a busy machine wakes all that sleep at the same time.
            while (left := self._next - time.monotonic()) > 0:
                await asyncio.sleep(left)
            now = time.monotonic()
            if self._first > 0:
                self._first -= 1
                self._next = 0.0 if self._first else now + self._at_once * self._gap + REST
                return
            self._next = max(self._next, now - CREDIT * self._gap) + self._gap

    def hold(self, seconds: float) -> None:
        """Let nothing pass for so long, and then evenly."""
        self._first, self._next = 0, max(self._next, time.monotonic() + seconds)
