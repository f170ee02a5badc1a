"""Log in with each bot's token and run the requests in a background thread."""

import socket
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.conf import settings

from core.db.budgets import spend
from core.errors import BudgetExhausted, CollectorError, ConfigurationError, RetryLater
from core.logs import register_secret
from core.operations.discord_ops import (
    Background,
    DiscordClient,
    RequestBudget,
    TokenRefused,
    open_client,
)
from discord_activity_tracker.tokens import bot_tokens, token_digest

Value = TypeVar("Value")
Client = DiscordClient
WIDTH = 16
"""Maximum number of channels and threads to read concurrently, and of concurrent requests of one bot.

A larger value would send more requests at the same time. DISCORD_REQUESTS_PER_SECOND limits the rate separately.
"""
NO_CONTENTS = (
    "Discord does not send message contents to this bot. Switch on Message Content Intent in the developer portal "
    "(Bot, Privileged Gateway Intents), then run again. Stored contents were not changed."
)
INVALID_LIMIT, INVALID_WINDOW = 10_000, 600.0
"""Number of invalid requests, and the window in seconds, after which Discord bans an IP address.

https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""
INVALID_RESERVE = 5_000
"""Number of invalid requests to leave unused in a window, half of Discord's limit.

Discord's windows begin at other times than the project's windows. One window of Discord can contain the end of one
project window and the beginning of the next, so each project window may use only half of the limit.
"""
SHARE_EVERY = 5.0
"""Minimum number of seconds between two reports of invalid requests to the database.

A report also returns the total of all processes. A smaller value would cost more SQL statements. 50 new invalid
requests are reported immediately.
"""


@dataclass(kw_only=True, eq=False)
class Bot:
    """One bot in the settings.

    ``guilds`` contains permission bits by guild id. It is empty until the list is requested.
    """

    digest: str
    masked: str
    name: str = ""
    client: Client | None = None
    guilds: Mapping[int, int] = field(default_factory=dict[int, int])
    error: CollectorError | None = None
    """The reason why the bot cannot be used, or can no longer be used."""

    @property
    def label(self) -> str:
        """The name of the bot, if known, and the end of its token."""
        return f"bot {self.name} ({self.masked})" if self.name else f"bot {self.masked}"


class Session:
    """The bots of a run. Use it as a context manager and call ``open()`` to fill ``bots``."""

    def __init__(self) -> None:
        self.background = Background()
        self.budget = RequestBudget()
        self.bots: list[Bot] = []
        self._shared_at = 0.0

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.background.cancel()
        for bot in self.bots:
            if bot.client:
                self.background.run(bot.client.close())
        self.background.close()

    def open(
        self, *, max_requests: int | None, max_seconds: float | None, names: Mapping[str, str] | None = None
    ) -> None:
        """Log in with every token. ``names`` are known names of bots by the digest of their token.

        If a bot cannot be used, its ``error`` contains the reason. If no bot can be used, this raises the first error
        that is not a TokenRefused, such as a ConfigurationError if message contents would be empty. If Discord refuses
        all tokens, this raises TokenRefused. BudgetExhausted and RetryLater are raised immediately.
        """
        self.budget = RequestBudget(max_requests=max_requests, max_seconds=max_seconds)
        self.share_invalid(at_once=True)
        for token in bot_tokens():
            register_secret(token)
            digest = token_digest(token)
            bot = Bot(digest=digest, masked=f"***{token[-4:]}", name=(names or {}).get(digest, ""))
            self.bots.append(bot)
            try:
                self._login(bot, token)
            except (BudgetExhausted, RetryLater):
                raise
            except CollectorError as error:
                bot.error = error
        if not self.usable:
            errors = [bot.error for bot in self.bots if bot.error]
            raise next((error for error in errors if not isinstance(error, TokenRefused)), errors[0])

    @property
    def usable(self) -> list[Bot]:
        """The bots that logged in and have no error."""
        return [bot for bot in self.bots if bot.client and bot.error is None]

    @property
    def requests(self) -> int:
        """The number of requests that all bots have sent."""
        return self.budget.requests

    def bots_of(self, guild_id: int, preferred: str = "") -> Sequence[Bot]:
        """Return the bots that can read a guild, the best first.

        Bots with more useful permissions come first. Among bots with equal permissions, the bot with the digest
        ``preferred`` comes first, and the others follow in the order of the settings. If no bot is known to be in the
        guild, only the first usable bot is returned.
        """
        usable = self.usable
        inside = [bot for bot in usable if guild_id in bot.guilds]
        return sorted(
            inside or usable[:1],
            key=lambda bot: (-useful_permissions(bot.guilds.get(guild_id, 0)), bot.digest != preferred),
        )

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine that sends requests, and return its result."""
        return self.background.run(work)

    def share_invalid(self, *, at_once: bool = False) -> None:
        """Add this process's invalid requests to the machine's total. Stop the run before Discord bans the IP address.

        Call this method in the thread that owns the database connection, outside of transactions.
        """
        new = self.budget.unreported_invalid()
        if not (at_once or new) or (not at_once and new < 50 and time.monotonic() < self._shared_at + SHARE_EVERY):
            return
        self._shared_at = time.monotonic()
        left, until = spend(
            source_system="discord", account=f"address of {socket.gethostname()}", resource="invalid answers",
            limit=INVALID_LIMIT, units=new, window=INVALID_WINDOW,
        )  # fmt: skip
        self.budget.mark_reported(new)
        if left <= INVALID_LIMIT - INVALID_RESERVE:
            text = "Discord refused too many requests of this machine and may ban its IP address; run again later"
            self.budget.stop(RetryLater(text, not_before=until))

    def _login(self, bot: Bot, token: str) -> None:
        bot.client = self.run(
            open_client(
                token,
                settings.DISCORD_API_BASE,
                budget=self.budget,
                width=WIDTH,
                per_second=settings.DISCORD_REQUESTS_PER_SECOND,
            )
        )
        bot.name = bot.client.name or bot.name
        if not bot.client.sees_contents:
            raise ConfigurationError(NO_CONTENTS)


USEFUL = (1 << 3, 1 << 10, 1 << 16, 1 << 20, 1 << 34)
"""The bits of ADMINISTRATOR, VIEW_CHANNEL, READ_MESSAGE_HISTORY, CONNECT and MANAGE_THREADS."""


def useful_permissions(bits: int) -> int:
    """Return the number of permissions that are useful for reading. An administrator has all of them."""
    return len(USEFUL) if bits & USEFUL[0] else sum(bool(bits & bit) for bit in USEFUL)
