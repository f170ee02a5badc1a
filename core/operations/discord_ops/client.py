"""A client of Discord's API that paces and counts requests and repeats them after temporary failures.

discord.py provides login, routes and Discord's rate limits per route. Its retries do not cover 503, 52x, connection
resets and truncated bodies, and it does not limit the total rate. Its typed classes are not used, because one
unexpected payload would make a whole page fail.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast, get_origin

import aiohttp
import discord
from discord import http
from discord.http import Route

from core.errors import CollectorError, ReplaceToken, RetryLater
from core.operations.bounds import redirect_refused
from core.operations.discord_ops.answers import (
    BLOCK_ATTEMPTS,
    PASSING,
    DiscordRefused,
    NotAsDocumented,
    NotThere,
    RequestBlocked,
    is_block,
    passes,
    read_body,
    read_json,
    requested_wait,
    translated,
    waiting_time,
)
from core.operations.discord_ops.limits import (
    MOST_INVALID,
    CarefulRatelimit,
    Pace,
    RequestBudget,
    Window,
    clear_sometimes,
)

__all__ = ["DiscordClient", "DiscordRefused", "NotThere", "RequestBlocked", "open_client"]

logger = logging.getLogger(__name__)
TIMEOUT = 20.0
"""Maximum seconds for one answer. The default of discord.py, 300 seconds, would occupy a request slot for too long."""
LONGEST_ANSWER = 300.0
"""Maximum seconds for one request, including the retries of discord.py and its waits of up to ``LONGEST_WAIT``.

A smaller value would end requests that only wait for rate limits.
"""
ATTEMPTS = 8
"""Maximum number of attempts before a temporary failure becomes an error.

The waits between them add up to about 45 seconds.
"""
LOGIN_ENDS = (*PASSING, discord.LoginFailure, LookupError, TypeError, AttributeError)
"""Errors that an attempt to log in may raise. discord.py raises the last three for an unexpected body."""
LONGEST_WAIT = 60.0
"""Maximum seconds to wait for a rate limit to end.

If Discord requests a longer wait, the run continues without this request.
"""
LONGEST_SHARED = 3600.0
"""Maximum seconds for which a rate limit delays a scope.

A longer time is probably an error of the server, so it is cut to one hour.
"""
RESERVE = 4
"""Requests per second that the window allows above the pace. With the default pace of 45, the sum stays below 50.

Discord allows 50 requests per second; see ``Pace``.
"""
MOST_BLOCKED = 5
"""Number of consecutive blocked requests after which the run stops.

They mean that this machine's IP address is probably blocked.
"""
CONTENT = 1 << 18 | 1 << 19
"""Application flags GATEWAY_MESSAGE_CONTENT and GATEWAY_MESSAGE_CONTENT_LIMITED.

https://discord.com/developers/docs/resources/application#application-object-application-flags
"""
Body = TypeVar("Body", list[Any], dict[str, Any])


class DiscordClient:
    """A client for one bot, on one event loop."""

    def __init__(self, *, width: int, per_second: float, budget: RequestBudget) -> None:
        self.budget = budget
        self.routes: Counter[str] = Counter()
        """Number of requests by route template, including retries."""
        self.failed: Counter[tuple[str, str]] = Counter()
        """Number of failed attempts by route template and by status or class of the error."""
        self._pace, self._places = Pace(per_second), asyncio.Semaphore(width)
        self._window = Window(int(per_second) + RESERVE if per_second else 0)
        self._blocked = 0
        self._stop: CollectorError | None = None
        self._bot: discord.Client | None = None

    async def login(self, token: str) -> None:
        """Log in, which checks the token with two requests.

        Raises the errors of ``get``.
        """
        for attempt in range(ATTEMPTS):
            trace = aiohttp.TraceConfig()
            trace.on_request_start.append(self._begins)
            trace.on_request_end.append(self._ends)
            trace.on_request_exception.append(self._breaks)
            trace.on_request_redirect.append(_refuse_redirect)
            self._bot = discord.Client(
                intents=discord.Intents(guilds=True), max_ratelimit_timeout=LONGEST_WAIT, http_trace=trace
            )
            try:
                await asyncio.wait_for(self._bot.login(token), self.budget.within(2 * TIMEOUT))
            except CollectorError:
                await self._bot.close()
                raise
            except LOGIN_ENDS as error:
                await self._bot.close()
                self._note(error, "login")
                if self._is_last(error, attempt, ATTEMPTS):
                    raise self._last(error, "the login") from error
                await self._wait(waiting_time(error, attempt))
            else:
                return

    @property
    def requests(self) -> int:
        """Number of requests that all bots of this run have made so far."""
        return self.budget.requests

    @property
    def name(self) -> str:
        """The bot's user name."""
        user = self._bot and self._bot.user
        return user.name if user else ""

    @property
    def guild_count(self) -> int:
        """Discord's estimate of the number of guilds that the bot is in, or 0 if unknown."""
        application = self._bot and self._bot.application
        count = application.approximate_guild_count if application else 0
        return count if isinstance(count, int) else 0  # pyright: ignore[reportUnnecessaryIsInstance]  # not validated by discord.py

    @property
    def user_id(self) -> int:
        """The bot's user id."""
        user = self._bot and self._bot.user
        return user.id if user else 0

    @property
    def sees_contents(self) -> bool:
        """Whether the developer portal allows the bot to read message contents. If not, contents arrive empty."""
        flags = self._bot.application_flags.value if self._bot else 0
        return bool(flags & CONTENT)

    async def get(
        self,
        path: str,
        kind: type[Body],
        params: Mapping[str, object] | None = None,
        *,
        attempts: int = ATTEMPTS,
        **ids: object,
    ) -> Body:
        """Request a list or an object. ``path`` is a template with named ids; discord.py limits rates by template.

        ``attempts`` is the maximum number of requests before a temporary failure becomes an error. Raises TokenRefused
        (401), DiscordRefused (400, 403), RequestBlocked, NotThere (404), RetryLater (rate limits), BudgetExhausted,
        SourceUnavailable or SourceTimeout.
        """
        what = path.format_map(ids)
        for attempt in range(attempts):
            try:
                async with self._places:
                    body = await self._request(path, kind, params, ids)
            except PASSING as error:
                self._note(error, path)
                if self._is_last(error, attempt, attempts):
                    raise self._last(error, what) from error
                seconds = waiting_time(error, attempt)
                logger.info(
                    "repeating request path=%s attempt=%s seconds=%.1f error=%s", path, attempt + 1, seconds, error
                )
                await self._wait(seconds)
            else:
                self._blocked = 0
                return body
        raise AssertionError("the last attempt returns or raises")

    async def answers(self) -> bool:
        """Return whether a request for the bot's own user succeeds. This takes at most two attempts."""
        try:
            await self.get("/users/@me", dict[str, Any], attempts=2)
        except CollectorError:
            return False
        return True

    def stop(self, error: CollectorError) -> None:
        """Make all further requests of all bots of this run raise ``error``."""
        self.budget.stop(error)

    async def close(self) -> None:
        """Close the connections."""
        if self._bot:
            await self._bot.close()

    async def sees_contents_now(self) -> bool:
        """Request and return the current value of ``sees_contents``. It may change in the portal during a run."""
        application = await self.get("/oauth2/applications/@me", dict[str, Any])
        return bool(int(application.get("flags") or 0) & CONTENT)

    async def _request(
        self, path: str, kind: type[Body], params: Mapping[str, object] | None, ids: Mapping[str, object]
    ) -> Body:
        self._check()
        assert self._bot is not None  # noqa: S101  (login comes first)
        route = Route("GET", path, **cast("Any", ids))
        self.routes[path] += 1
        timeout = aiohttp.ClientTimeout(total=self.budget.within(TIMEOUT))
        request = self._bot.http.request(route, params=dict(params or {}), timeout=timeout)
        body = await asyncio.wait_for(request, self.budget.within(LONGEST_ANSWER))
        if not isinstance(body, get_origin(kind) or kind):
            raise NotAsDocumented(f"{type(body).__name__} instead of {kind.__name__}")
        return body

    async def _wait(self, seconds: float) -> None:
        """Wait before another attempt. Raises BudgetExhausted at once when the run would end during the wait."""
        self.budget.check_wait(seconds)
        await asyncio.sleep(seconds)

    async def _begins(self, _session: object, request: object, _started: object) -> None:
        """Wait until ``Pace`` and ``Window`` allow a request, and count it. discord.py's retries also count."""
        self._check()
        await self._pace.turn()
        await self._window.enter(id(request))
        try:
            self._check()
        except CollectorError:
            self._window.leave(id(request))
            raise
        self.budget.requests += 1

    async def _breaks(self, _session: object, request: object, _failed: object) -> None:
        """Record in the window that an attempt ended without an answer."""
        self._window.leave(id(request))

    async def _ends(self, _session: object, request: object, ended: aiohttp.TraceRequestEndParams) -> None:
        """Record in the window that an attempt ended.

        Count the answer if Discord counts it towards a ban of the IP address.
        """
        self._window.leave(id(request))
        status, headers = ended.response.status, ended.response.headers
        if status in {401, 403} or (status == 429 and headers.get("X-RateLimit-Scope") != "shared"):
            self.budget.invalid += 1
            if self.budget.invalid >= MOST_INVALID:
                self.budget.stop(
                    RetryLater("Discord refused too many requests and bans IP addresses that continue; run again later")
                )

    def _check(self) -> None:
        if self._stop:
            raise self._stop
        self.budget.check()

    def _is_last(self, error: Exception, attempt: int, attempts: int) -> bool:
        """Return whether this error allows no further attempt."""
        most = min(attempts, BLOCK_ATTEMPTS) if is_block(error) else attempts
        return attempt + 1 >= most or not passes(error) or requested_wait(error) > LONGEST_WAIT

    def _note(self, error: Exception, path: str) -> None:
        """Count a failed attempt. After a rate limit, pause all requests for at most 5 seconds."""
        status = error.status if isinstance(error, discord.HTTPException) else 0
        self.failed[path, str(status) if status else type(error).__name__] += 1
        if status == 429:
            self._pace.hold(min(5.0, waiting_time(error, 0)))

    def _last(self, error: Exception, what: str) -> CollectorError:
        """Return the error after the last attempt. Stop the bot or the run if further requests would also fail."""
        wait = requested_wait(error)
        if wait > LONGEST_WAIT:
            until = datetime.now(UTC) + timedelta(seconds=min(wait, LONGEST_SHARED))
            return RetryLater(
                f"Discord requires a wait of {wait:.0f} s before {what}; run again later", not_before=until
            )
        failure = translated(error, what)
        if isinstance(failure, ReplaceToken):
            self._stop = failure  # waiting requests must not use this token
        self._blocked = self._blocked + 1 if isinstance(failure, RequestBlocked) else 0
        if self._blocked >= MOST_BLOCKED:
            self.budget.stop(failure)
        return failure


async def _refuse_redirect(_session: object, _request: object, _redirect: object) -> None:
    """Raise RedirectRefused before aiohttp follows a redirect. See ``bounds`` for the rule."""
    raise redirect_refused("Discord", "DISCORD_API_BASE")


async def open_client(
    token: str, base: str, *, budget: RequestBudget, width: int = 16, per_second: float = 45.0
) -> DiscordClient:
    """Log in a bot and return its client. Raises the errors of ``DiscordClient.login``.

    ``width`` is the maximum number of concurrent requests. ``per_second`` is the maximum rate; 0 means no limit.
    """
    Route.BASE = base
    discord.utils._from_json = read_json  # pyright: ignore[reportPrivateUsage]  # discord.py has no public hook for it
    http.json_or_text = read_body
    http.Ratelimit = CarefulRatelimit
    http.HTTPClient._try_clear_expired_ratelimits = clear_sometimes  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no warning about missing voice libraries
    client = DiscordClient(width=width, per_second=per_second, budget=budget)
    await client.login(token)
    return client
