"""Discord's rate limits as discord.py keeps them, with headers that are no numbers taken for unknown.

https://discord.com/developers/docs/topics/rate-limits#header-format
"""

import aiohttp
from discord.http import Ratelimit
from multidict import CIMultiDict

from core.operations.bounds import wait_seconds

LIMIT, REMAINING, AFTER, RESET = (
    "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset-After", "X-Ratelimit-Reset",
)  # fmt: skip
LONGEST = 3600.0
"""Seconds; Discord's windows last minutes at most, so that a longer one is no honest answer."""


class _Headers:
    """An answer of which only the headers are read."""

    def __init__(self, headers: "CIMultiDict[str]") -> None:
        self.headers = headers


class CarefulRatelimit(Ratelimit):
    """One bucket; without a usable limit, remainder and end of the window it changes nothing."""

    __slots__ = ()

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """Take over what the headers of an answer say."""
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
        super().update(_Headers(headers), use_clock=use_clock)  # pyright: ignore[reportArgumentType]  # it reads no more
