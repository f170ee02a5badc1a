"""All requests to Discord: paced, retried, counted, with typed errors.

discord.py brings login, routes and the buckets of Discord's rate limits; its own retries leave out 503, 52x, resets and
cut bodies, and it does not pace. Its typed layer is not used: one odd payload would cost a whole page.
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
    asked_wait,
    is_block,
    passes,
    read_body,
    read_json,
    translated,
    waiting_time,
)
from core.operations.discord_ops.budget import MOST_INVALID, RequestBudget
from core.operations.discord_ops.pace import Pace, Window
from core.operations.discord_ops.rate_limits import CarefulRatelimit

__all__ = ["DiscordClient", "DiscordRefused", "NotThere", "RequestBlocked", "open_client"]

logger = logging.getLogger(__name__)
TIMEOUT = 20.0
"""Seconds for one answer; discord.py's own is 300."""
LONGEST_ANSWER = 300.0
"""Seconds for one answer with the waits for limits and the retries of discord.py before it."""
ATTEMPTS = 8
LOGIN_ENDS = (*PASSING, discord.LoginFailure, LookupError, TypeError, AttributeError)
"""What an attempt to log in may end with; the last three are what discord.py makes of another body."""
LONGEST_WAIT = 60.0
"""Seconds that a limit may ask for before the run goes on without this request."""
LONGEST_SHARED = 3600.0
"""Seconds; a limit that asks for more is an error of the server, and the next run asks again."""
RESERVE = 4
"""Requests of a second beside the even ones; with the default of 45 one less than Discord's 50."""
MOST_BLOCKED = 5
"""Requests in a row that end at a block in front of Discord: then the whole address is blocked, and the run stops."""
CONTENT = 1 << 18 | 1 << 19
"""Application flags GATEWAY_MESSAGE_CONTENT and GATEWAY_MESSAGE_CONTENT_LIMITED.

https://discord.com/developers/docs/resources/application#application-object-application-flags
"""
Body = TypeVar("Body", list[Any], dict[str, Any])


class DiscordClient:
    """One bot, on one event loop. All times are seconds of the monotonic clock."""

    def __init__(self, *, width: int, per_second: float, budget: RequestBudget) -> None:
        self.budget = budget
        self.routes: Counter[str] = Counter()
        """Requests by route template; retries count."""
        self.failed: Counter[tuple[str, str]] = Counter()
        """Attempts that went wrong, by route template and by status or kind of error."""
        self._pace, self._places = Pace(per_second), asyncio.Semaphore(width)
        self._window = Window(int(per_second) + RESERVE if per_second else 0)
        self._blocked = 0
        self._stop: CollectorError | None = None
        self._bot: discord.Client | None = None

    async def login(self, token: str) -> None:
        """Check the token, in two requests.

        Raises TokenRefused, RequestBlocked, BudgetExhausted, SourceUnavailable, SourceTimeout.
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
        """Requests of all bots of this run so far."""
        return self.budget.requests

    @property
    def name(self) -> str:
        """The bot's user name."""
        user = self._bot and self._bot.user
        return user.name if user else ""

    @property
    def guild_count(self) -> int:
        """The number of guilds that the bot is in, as Discord estimates it; 0 where it does not say."""
        application = self._bot and self._bot.application
        count = application.approximate_guild_count if application else 0
        return count if isinstance(count, int) else 0  # pyright: ignore[reportUnnecessaryIsInstance]  # as it came

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

    async def get(
        self,
        path: str,
        kind: type[Body],
        params: Mapping[str, object] | None = None,
        *,
        attempts: int = ATTEMPTS,
        **ids: object,
    ) -> Body:
        """Ask for a list or an object. ``path`` is a template; its ids are given by name, so that buckets are right.

        ``attempts`` is the number of requests before an answer that may pass is an error. Raises TokenRefused (401),
        DiscordRefused (400, 403), RequestBlocked, NotThere, RetryLater (a limit that asks for more than a minute),
        BudgetExhausted, SourceUnavailable, SourceTimeout.
        """
        what = path.format_map(ids)
        for attempt in range(attempts):
            try:
                async with self._places:
                    body = await self._ask(path, kind, params, ids)
            except PASSING as error:
                self._note(error, path)
                if self._is_last(error, attempt, attempts):
                    raise self._last(error, what) from error
                seconds = waiting_time(error, attempt)
                logger.info("asking again path=%s attempt=%s seconds=%.1f error=%s", path, attempt + 1, seconds, error)
                await self._wait(seconds)
            else:
                self._blocked = 0
                return body
        raise AssertionError("the last attempt returns or raises")

    async def answers(self) -> bool:
        """Whether Discord answers at all: the cheapest request, twice at most."""
        try:
            await self.get("/users/@me", dict[str, Any], attempts=2)
        except CollectorError:
            return False
        return True

    def stop(self, error: CollectorError) -> None:
        """Ask nothing any more, with any bot: from now on every request raises this."""
        self.budget.stop(error)

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
        self._check()
        assert self._bot is not None  # noqa: S101  (login comes first)
        route = Route("GET", path, **cast("Any", ids))
        self.routes[path] += 1
        timeout = aiohttp.ClientTimeout(total=self.budget.within(TIMEOUT))
        request = self._bot.http.request(route, params=dict(params or {}), timeout=timeout)
        body = await asyncio.wait_for(request, self.budget.within(LONGEST_ANSWER))
        if not isinstance(body, get_origin(kind) or kind):
            raise NotAsDocumented(f"{type(body).__name__} where a {kind.__name__} was expected")
        return body

    async def _wait(self, seconds: float) -> None:
        """Wait before another attempt. Raises BudgetExhausted at once when the run ends before."""
        self.budget.check_wait(seconds)
        await asyncio.sleep(seconds)

    async def _begins(self, _session: object, request: object, _started: object) -> None:
        """Before every attempt on the wire, also those of discord.py's own retries."""
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
        """After an attempt without an answer."""
        self._window.leave(id(request))

    async def _ends(self, _session: object, request: object, ended: aiohttp.TraceRequestEndParams) -> None:
        """After every answer: count those that Discord counts towards a ban of the address."""
        self._window.leave(id(request))
        status, headers = ended.response.status, ended.response.headers
        if status in {401, 403} or (status == 429 and headers.get("X-RateLimit-Scope") != "shared"):
            self.budget.invalid += 1
            if self.budget.invalid >= MOST_INVALID:
                self.budget.stop(RetryLater("Discord refused too many requests; it bans addresses that go on"))

    def _check(self) -> None:
        if self._stop:
            raise self._stop
        self.budget.check()

    def _is_last(self, error: Exception, attempt: int, attempts: int) -> bool:
        """Whether no further attempt is worth it."""
        most = min(attempts, BLOCK_ATTEMPTS) if is_block(error) else attempts
        return attempt + 1 >= most or not passes(error) or asked_wait(error) > LONGEST_WAIT

    def _note(self, error: Exception, path: str) -> None:
        """Count what went wrong, and slow down for limits."""
        status = error.status if isinstance(error, discord.HTTPException) else 0
        self.failed[path, str(status) if status else type(error).__name__] += 1
        if status == 429:
            self._pace.hold(min(5.0, waiting_time(error, 0)))

    def _last(self, error: Exception, what: str) -> CollectorError:
        """What to raise when asking again is no use."""
        wait = asked_wait(error)
        if wait > LONGEST_WAIT:
            until = datetime.now(UTC) + timedelta(seconds=min(wait, LONGEST_SHARED))
            return RetryLater(f"Discord asks to wait {wait:.0f} s before {what}", not_before=until)
        found = translated(error, what)
        if isinstance(found, ReplaceToken):
            self._stop = found  # nothing that is waiting shall be asked with it again
        self._blocked = self._blocked + 1 if isinstance(found, RequestBlocked) else 0
        if self._blocked >= MOST_BLOCKED:
            self.budget.stop(found)
        return found


async def _refuse_redirect(_session: object, _request: object, _redirect: object) -> None:
    """Called before aiohttp follows a redirect; see ``bounds``."""
    raise redirect_refused("Discord", "DISCORD_API_BASE")


async def open_client(
    token: str, base: str, *, budget: RequestBudget, width: int = 16, per_second: float = 45.0
) -> DiscordClient:
    """A bot that is logged in; ``width`` requests at once and ``per_second`` at most (0: no limit of ours)."""
    Route.BASE = base
    discord.utils._from_json = read_json  # pyright: ignore[reportPrivateUsage]  # there is no public place for it
    http.json_or_text = read_body
    http.Ratelimit = CarefulRatelimit
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
    client = DiscordClient(width=width, per_second=per_second, budget=budget)
    await client.login(token)
    return client
