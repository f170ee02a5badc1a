"""Limits of requests to Discord: the budget of a run, an even pace, and careful parsing of rate-limit headers.

discord.py knows Discord's limits per route but not its global limit, so ``Pace`` and ``Window`` enforce that one.
https://discord.com/developers/docs/topics/rate-limits
"""

import asyncio
import time
from collections import deque

import aiohttp
from discord.http import Ratelimit
from multidict import CIMultiDict

from core.errors import BudgetExhausted, CollectorError
from core.operations import bounds
from core.operations.bounds import wait_seconds

MOST_INVALID = 5_000
"""Number of invalid answers after which a process stops, half of Discord's limit.

Discord bans an address after 10,000 answers with 401, 403 or 429 (except shared ones) within ten minutes:
https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""


class RequestBudget:
    """Requests and invalid answers of one run, shared by all its bots.

    ``max_requests`` and ``max_seconds`` (from now on) limit the run; ``None``: no limit.
    """

    def __init__(self, *, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.requests = 0
        self.invalid = 0
        self.stopped: CollectorError | None = None
        """The error for every further request; ``None`` while requests are allowed."""
        self._reported = 0
        self._most = max_requests
        self._end = None if max_seconds is None else time.monotonic() + max_seconds

    def check(self) -> None:
        """Raise BudgetExhausted, or the error of ``stop``, when no further request is allowed."""
        if self.stopped:
            raise self.stopped
        if self._most is not None and self.requests >= self._most:
            raise BudgetExhausted(f"--max-requests {self._most} is spent; run again to go on")
        bounds.check_time(0, self._end)

    def check_wait(self, seconds: float) -> None:
        """Raise BudgetExhausted when the run ends within ``seconds``."""
        bounds.check_time(seconds, self._end)

    def within(self, seconds: float) -> float:
        """Return the limit for one answer: ``seconds``, or less when the run ends before that."""
        return bounds.within(seconds, self._end)

    def stop(self, error: CollectorError) -> None:
        """Refuse every further request with this error."""
        self.stopped = self.stopped or error

    def unreported_invalid(self) -> int:
        """Return the number of invalid answers that were not yet reported to other processes."""
        return self.invalid - self._reported

    def mark_reported(self, number: int) -> None:
        """Record that ``number`` further invalid answers were reported to other processes."""
        self._reported += number


CREDIT = 2
"""Requests that may be sent at once after a delay. More would send waiting requests in a burst."""
REST = 0.3
"""Seconds without requests after the first burst, so that a slow connection cannot merge it with later requests."""


class Pace:
    """Spaces requests evenly, at most ``per_second`` of them; 0 disables it.

    The requests of the first half second may go at once, because many runs need no more. In no second do more than
    ``per_second`` plus ``CREDIT`` requests pass. Discord allows a bot 50 a second:
    https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
    """

    def __init__(self, per_second: float) -> None:
        self._gap, self._next = 1 / per_second if per_second else 0.0, 0.0
        self._at_once = self._first = int(per_second / 2)
        self._one_by_one = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until the next request may be sent."""
        async with self._one_by_one:
            # Compare with the clock after waking: a busy machine wakes all waiting tasks at the same time.
            while (left := self._next - time.monotonic()) > 0:
                await asyncio.sleep(left)
            now = time.monotonic()
            if self._first > 0:
                self._first -= 1
                self._next = 0.0 if self._first else now + self._at_once * self._gap + REST
                return
            self._next = max(self._next, now - CREDIT * self._gap) + self._gap

    def hold(self, seconds: float) -> None:
        """Let no request pass for ``seconds``, and then space them evenly."""
        self._first, self._next = 0, max(self._next, time.monotonic() + seconds)


class Window:
    """Limits the requests that Discord can count within one second.

    Discord counts a request at some time between sending and answer. On a busy machine or behind a slow proxy, requests
    that were sent evenly arrive in a burst. Therefore the requests without an answer and those answered within the last
    second together stay below ``most``. 0 disables the limit.
    """

    SECOND = 1.02
    """Seconds. A little more than one, because clocks differ."""
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
        """Record that a request was answered or failed."""
        if self._open.pop(request, None) is not None:
            self._answered.append(time.monotonic())

    def _counted(self) -> int:
        now = time.monotonic()
        while self._answered and self._answered[0] < now - self.SECOND:
            self._answered.popleft()
        for request in [request for request, sent in self._open.items() if sent < now - self.LOST]:
            del self._open[request]
        return len(self._open) + len(self._answered)


LIMIT, REMAINING, AFTER, RESET = (
    "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset-After", "X-Ratelimit-Reset",
)  # fmt: skip
LONGEST = 3600.0
"""Seconds. Discord's windows last minutes at most, so a longer one is not plausible."""


class _Headers:
    """An answer of which discord.py reads only the headers."""

    def __init__(self, headers: "CIMultiDict[str]") -> None:
        self.headers = headers


class CarefulRatelimit(Ratelimit):
    """A rate limit of discord.py that ignores answers without a usable limit, remainder and reset time."""

    __slots__ = ()

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """Update the limit from the headers of an answer.

        https://discord.com/developers/docs/topics/rate-limits#header-format
        """
        headers = CIMultiDict(response.headers)
        for name in (LIMIT, REMAINING):
            number = headers.get(name, "").strip()
            if name in headers and not (number.isascii() and number.isdigit() and len(number) <= 9):
                return
        use_clock = use_clock or AFTER not in headers
        if use_clock:
            reset = wait_seconds(headers.get(RESET))
            if reset is None or reset > 1 << 33:
                return
        elif (after := wait_seconds(headers[AFTER])) is None or after > LONGEST:
            return
        super().update(_Headers(headers), use_clock=use_clock)  # pyright: ignore[reportArgumentType]  # it reads headers only
