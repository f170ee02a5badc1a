"""Limits for requests to Discord: the budget of a run, an even pace, and careful parsing of rate-limit headers.

discord.py respects Discord's limits per route but not the global limit, which ``Pace`` and ``Window`` enforce.
https://discord.com/developers/docs/topics/rate-limits
"""

import asyncio
import time
from collections import deque

import aiohttp
from discord.http import HTTPClient, Ratelimit
from multidict import CIMultiDict

from core.errors import BudgetExhausted, CollectorError
from core.operations import bounds
from core.operations.bounds import wait_seconds

MOST_INVALID = 5_000
"""Number of invalid answers after which a run stops. This is half of Discord's limit, to leave a margin.

Discord bans an IP address after 10,000 answers with 401, 403 or 429 (except shared limits) within ten minutes:
https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""


class RequestBudget:
    """Counts the requests and invalid answers of one run, for all its bots together.

    ``max_requests`` and ``max_seconds`` (from the creation of the object) limit the run. ``None`` means no limit.
    """

    def __init__(self, *, max_requests: int | None = None, max_seconds: float | None = None) -> None:
        self.requests = 0
        self.invalid = 0
        self.stopped: CollectorError | None = None
        """The error that every further request raises, or ``None`` while requests are allowed."""
        self._reported = 0
        self._most = max_requests
        self._end = None if max_seconds is None else time.monotonic() + max_seconds

    def check(self) -> None:
        """Raise BudgetExhausted, or the error passed to ``stop``, when no more requests are allowed."""
        if self.stopped:
            raise self.stopped
        if self._most is not None and self.requests >= self._most:
            raise BudgetExhausted(f"stopped at the request limit (--max-requests {self._most}); run again to continue")
        bounds.check_time(0, self._end)

    def check_wait(self, seconds: float) -> None:
        """Raise BudgetExhausted when the run ends within ``seconds``."""
        bounds.check_time(seconds, self._end)

    def within(self, seconds: float) -> float:
        """Return the maximum seconds for one answer: ``seconds``, or less if the run ends earlier."""
        return bounds.within(seconds, self._end)

    def stop(self, error: CollectorError) -> None:
        """Make every further request raise this error. Only the first call has an effect."""
        self.stopped = self.stopped or error

    def unreported_invalid(self) -> int:
        """Return the number of invalid answers that have not been reported to other processes."""
        return self.invalid - self._reported

    def mark_reported(self, number: int) -> None:
        """Record that ``number`` more invalid answers were reported to other processes."""
        self._reported += number


CREDIT = 2
"""Number of requests that may be sent at once after a delay. A larger value would send waiting requests in a burst."""
REST = 0.3
"""Seconds to add to the pause that the pace requires after the first burst.

A slow connection could otherwise merge the burst with later requests.
"""


class Pace:
    """Spaces requests evenly, at most ``per_second`` in each second. 0 disables the limit.

    The requests of the first half second may be sent at once, because many runs need no more. Any one second has at
    most ``per_second`` plus ``CREDIT`` requests. Discord allows 50 requests per second to each bot:
    https://discord.com/developers/docs/topics/rate-limits#global-rate-limit
    """

    def __init__(self, per_second: float) -> None:
        self._gap, self._next = 1 / per_second if per_second else 0.0, 0.0
        self._at_once = self._first = int(per_second / 2)
        self._one_by_one = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until the next request may be sent."""
        async with self._one_by_one:
            # Check the clock again after waking, because a busy machine wakes all waiting tasks at the same time.
            while (left := self._next - time.monotonic()) > 0:
                await asyncio.sleep(left)
            now = time.monotonic()
            if self._first > 0:
                self._first -= 1
                self._next = 0.0 if self._first else now + self._at_once * self._gap + REST
                return
            self._next = max(self._next, now - CREDIT * self._gap) + self._gap

    def hold(self, seconds: float) -> None:
        """Block all requests for ``seconds``. Later requests are spaced evenly, without another first burst."""
        self._first, self._next = 0, max(self._next, time.monotonic() + seconds)


class Window:
    """Limits the requests that Discord can count within one second.

    Discord counts a request at some time between the request and the answer. On a busy machine or behind a slow proxy,
    requests that were sent evenly arrive in a burst. Therefore at most ``most`` requests are either unanswered or were
    answered within the last second. 0 disables the limit.
    """

    SECOND = 1.02
    """Length of the window in seconds. It is slightly longer than one second, because clocks differ."""
    LOST = 60.0
    """Seconds after which an unanswered request no longer counts. Lost requests would otherwise block new requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[int, float] = {}
        self._answered: deque[float] = deque()
        self._one_by_one = asyncio.Lock()

    async def enter(self, request: int) -> None:
        """Wait until another request may be sent, and count it."""
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
"""Maximum plausible seconds until a rate limit is reset.

Discord's limits are reset within minutes, so ``CarefulRatelimit`` ignores answers with a longer time.
"""


CLEARING = 256
"""Number of rate limits after which ``clear_sometimes`` works. discord.py keeps one for each route and channel.

A smaller value would cost more time in guilds with many threads.
"""


def clear_sometimes(client: HTTPClient) -> None:
    """Remove the rate limits that were not used for 300 seconds, each time ``CLEARING`` more limits exist.

    This function replaces a method of discord.py that checks all limits for each new one, so that its time grows with
    the square of the number of threads.
    """
    limits = client._buckets  # pyright: ignore[reportPrivateUsage]  # discord.py has no public hook for it
    if len(limits) % CLEARING == 0:
        for key in [key for key, limit in limits.items() if limit.is_inactive()]:
            del limits[key]


class _Headers:
    """A substitute for an answer. discord.py reads only its headers."""

    def __init__(self, headers: "CIMultiDict[str]") -> None:
        self.headers = headers


class CarefulRatelimit(Ratelimit):
    """A rate limit of discord.py that ignores answers with an invalid limit or remainder or no usable reset time."""

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
