"""The project's own limiter: discord.py knows Discord's buckets but not its global limit."""

import asyncio
import time
from collections import deque

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


class Window:
    """Bounds the requests that Discord can count in one second, whenever it counts them.

    Discord counts a request somewhere between sending and answer. On a busy machine, or behind a slow proxy, requests
    that were sent evenly arrive in a bunch; so those without an answer and those answered within the last second
    together stay below ``most``. 0: no bound.
    """

    SECOND = 1.02
    """Seconds; a little more than one for clocks that differ."""
    LOST = 60.0
    """Seconds after which a request without an answer no longer counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[int, float] = {}
        self._answered: deque[float] = deque()
        self._one_by_one = asyncio.Lock()

    async def enter(self, request: int) -> None:
        """Wait until one more request may be sent, and count it."""
        async with self._one_by_one:
            while self._most and self._counted() >= self._most:
                rest = self._answered[0] + self.SECOND - time.monotonic() if self._answered else 0.0
                await asyncio.sleep(max(0.01, rest))
            self._open[request] = time.monotonic()

    def leave(self, request: int) -> None:
        """Note the answer, or the end without one."""
        if self._open.pop(request, None) is not None:
            self._answered.append(time.monotonic())

    def _counted(self) -> int:
        now = time.monotonic()
        while self._answered and self._answered[0] < now - self.SECOND:
            self._answered.popleft()
        for request in [request for request, sent in self._open.items() if sent < now - self.LOST]:
            del self._open[request]
        return len(self._open) + len(self._answered)
