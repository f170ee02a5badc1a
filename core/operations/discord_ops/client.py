"""All requests to Discord: paced, retried, counted, with typed errors.

discord.py brings login, routes and the buckets of Discord's rate limits; its own retries leave out 503, 52x, resets and
cut bodies, and it does not pace. Its typed layer is not used: one odd payload would cost a whole page.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast, get_origin

import aiohttp
import discord
from discord.http import Route

from core.errors import BudgetExhausted, CollectorError, ReplaceToken, RetryLater
from core.operations.discord_ops.answers import (
    PASSING,
    DiscordRefused,
    NotAsDocumented,
    NotThere,
    asked_wait,
    passes,
    read_json,
    translated,
    waiting_time,
)
from core.operations.discord_ops.pace import Pace

__all__ = ["DiscordClient", "DiscordRefused", "NotThere", "open_client"]

logger = logging.getLogger(__name__)
TIMEOUT = 20.0
"""Seconds for one answer; discord.py's own is 300."""
ATTEMPTS = 8
LONGEST_WAIT = 60.0
"""Seconds that a limit may ask for before the run goes on without this request."""
MOST_INVALID = 5_000
"""Discord bans an address after 10,000 invalid answers in ten minutes; stop at half of them."""
CONTENT = 1 << 18 | 1 << 19
"""Application flags GATEWAY_MESSAGE_CONTENT and GATEWAY_MESSAGE_CONTENT_LIMITED.

https://discord.com/developers/docs/resources/application#application-object-application-flags
"""
Body = TypeVar("Body", list[Any], dict[str, Any])


class DiscordClient:
    """One bot, on one event loop. All times are seconds of the monotonic clock."""

    def __init__(self, *, width: int, per_second: float, max_requests: int | None, max_seconds: float | None) -> None:
        self.requests = 0
        self.routes: Counter[str] = Counter()
        """Requests by route template; retries count."""
        self.failed: Counter[tuple[str, str]] = Counter()
        """Attempts that went wrong, by route template and by status or kind of error."""
        self.invalid = 0
        self._pace, self._places = Pace(per_second), asyncio.Semaphore(width)
        self._most = max_requests
        self._end = None if max_seconds is None else time.monotonic() + max_seconds
        self._stop: Exception | None = None
        self._bot: discord.Client | None = None

    async def login(self, token: str) -> None:
        """Check the token, in two requests; raises ReplaceToken, SourceUnavailable, SourceTimeout."""
        for attempt in range(ATTEMPTS):
            trace = aiohttp.TraceConfig()
            trace.on_request_start.append(self._begins)
            self._bot = discord.Client(
                intents=discord.Intents(guilds=True), max_ratelimit_timeout=LONGEST_WAIT, http_trace=trace
            )
            try:
                await asyncio.wait_for(self._bot.login(token), 2 * TIMEOUT)
            except (*PASSING, discord.LoginFailure, LookupError, TypeError, AttributeError) as error:  # of another body
                await self._bot.close()
                self._note(error, "login")
                if attempt + 1 == ATTEMPTS or not passes(error) or asked_wait(error) > LONGEST_WAIT:
                    raise self._last(error, "the login") from error
                await asyncio.sleep(waiting_time(error, attempt))
            else:
                return

    @property
    def user_id(self) -> int:
        """The bot's own id."""
        user = self._bot and self._bot.user
        return user.id if user else 0

    @property
    def sees_contents(self) -> bool:
        """Whether the portal allows the bot to read what messages say; without it every content comes empty."""
        flags = self._bot.application_flags.value if self._bot else 0
        return bool(flags & CONTENT)

    async def get(self, path: str, kind: type[Body], params: Mapping[str, object] | None = None, **ids: object) -> Body:
        """Ask for a list or an object. ``path`` is a template; its ids are given by name, so that buckets are right.

        Raises ReplaceToken (401), DiscordRefused (400, 403), NotFound, RetryLater (a limit that asks for more than a
        minute), BudgetExhausted, SourceUnavailable, SourceTimeout.
        """
        what = path.format_map(ids)
        for attempt in range(ATTEMPTS):
            try:
                async with self._places:
                    return await self._ask(path, kind, params, ids)
            except PASSING as error:
                self._note(error, path)
                if attempt + 1 == ATTEMPTS or not passes(error) or asked_wait(error) > LONGEST_WAIT:
                    raise self._last(error, what) from error
                seconds = waiting_time(error, attempt)
                logger.info("asking again path=%s attempt=%s seconds=%.1f error=%s", path, attempt + 1, seconds, error)
                await asyncio.sleep(seconds)
        raise AssertionError("the last attempt returns or raises")

    def stop(self, error: Exception) -> None:
        """Ask nothing any more: from now on every request raises this."""
        self._stop = self._stop or error

    async def close(self) -> None:
        """End the connections."""
        if self._bot:
            await self._bot.close()

    async def sees_contents_now(self) -> bool:
        """The same, asked anew: the switch in the portal can be turned while a run goes on."""
        told = await self.get("/oauth2/applications/@me", dict[str, Any])
        return bool(int(told.get("flags") or 0) & CONTENT)

    async def _ask(
        self, path: str, kind: type[Body], params: Mapping[str, object] | None, ids: Mapping[str, object]
    ) -> Body:
        self._check_budget()
        assert self._bot is not None  # noqa: S101  (login comes first)
        route = Route("GET", path, **cast("Any", ids))
        self.routes[path] += 1
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        body = await self._bot.http.request(route, params=dict(params or {}), timeout=timeout)
        if not isinstance(body, get_origin(kind) or kind):
            raise NotAsDocumented(f"{type(body).__name__} where a {kind.__name__} was expected")
        return body

    async def _begins(self, *_: object) -> None:
        """Before every attempt on the wire, also those of discord.py's own retries."""
        await self._pace.turn()
        self.requests += 1

    def _check_budget(self) -> None:
        if self._stop:
            raise self._stop
        if self._most is not None and max(self.requests, self.routes.total()) >= self._most:
            raise BudgetExhausted(f"--max-requests {self._most} is spent; run again to go on")
        if self._end is not None and time.monotonic() >= self._end:
            raise BudgetExhausted("--max-seconds is over; run again to go on")

    def _note(self, error: Exception, path: str) -> None:
        """Count what went wrong, and slow down for limits."""
        status = error.status if isinstance(error, discord.HTTPException) else 0
        self.failed[path, str(status) if status else type(error).__name__] += 1
        if status in {401, 403, 429}:
            self.invalid += 1
        if self.invalid >= MOST_INVALID:
            self._stop = RetryLater("Discord refused too many requests; it bans addresses that go on")
        if status == 429:
            self._pace.hold(min(5.0, waiting_time(error, 0)))

    def _last(self, error: Exception, what: str) -> CollectorError:
        """What to raise when asking again is no use."""
        wait = asked_wait(error)
        if wait > LONGEST_WAIT:
            until = datetime.now(UTC) + timedelta(seconds=wait)
            return RetryLater(f"Discord asks to wait {wait:.0f} s before {what}", not_before=until)
        found = translated(error, what)
        if isinstance(found, ReplaceToken):
            self._stop = found  # nothing that is waiting shall be asked with it again
        return found


async def open_client(
    token: str,
    base: str,
    *,
    width: int = 16,
    per_second: float = 45.0,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> DiscordClient:
    """A bot that is logged in; ``width`` requests at once and ``per_second`` at most (0: no limit of ours)."""
    Route.BASE = base
    discord.utils._from_json = read_json  # pyright: ignore[reportPrivateUsage]  # there is no public place for it
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
    client = DiscordClient(width=width, per_second=per_second, max_requests=max_requests, max_seconds=max_seconds)
    await client.login(token)
    return client
