"""What Discord's refusals mean, in the project's own errors."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import discord
import orjson

from core.errors import AccessDenied, CollectorError, NotFound, ReplaceToken, SourceTimeout, SourceUnavailable

PASSING = (
    discord.HTTPException, discord.RateLimited, aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, ValueError,
    ConnectionError,
)  # fmt: skip
"""What one attempt may end with."""
RETRIED = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
REFUSED_TOKEN = "Discord refuses DISCORD_BOT_TOKEN: make a new one in the developer portal (Bot, Reset Token)"  # noqa: S105  (says so)


class DiscordRefused(AccessDenied):
    """Discord answers 400 or 403 with a code of its own.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """

    def __init__(self, message: str, *, status: int, code: int) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def read_json(text: str | bytes) -> Any:
    """What a body says. Half a surrogate pair is an error to orjson, which discord.py uses; here it costs no page."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


class NotThere(NotFound):
    """Discord answers 404; ``code`` tells what is unknown, 0 where the answer is not Discord's own."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message, status=404)
        self.code = code

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_MESSAGE = 10008


class NotAsDocumented(ValueError):
    """The body is JSON, but not what was asked for."""


def passes(error: Exception) -> bool:
    """Whether the same request may work in a moment."""
    if isinstance(error, discord.HTTPException):
        return error.status in RETRIED
    return not isinstance(error, discord.LoginFailure)


def waiting_time(error: Exception, attempt: int) -> float:
    """Seconds before the next attempt: what Discord asks for, else 0.5, 1, 2 ... at most 15."""
    return max(asked_wait(error), min(15.0, 0.5 * 2**attempt))


def asked_wait(error: Exception) -> float:
    """Seconds that Discord asks to wait; 0 where it asks for nothing."""
    asked: object = getattr(error, "retry_after", None)
    if isinstance(error, discord.HTTPException):
        headers = cast("Mapping[str, str]", error.response.headers)
        asked = headers.get("Retry-After", asked)
    try:
        return float(str(asked)) if asked is not None else 0.0
    except ValueError:
        return 0.0


def translated(error: Exception, what: str) -> CollectorError:
    """The project's error for the last of many attempts, or for one that is not worth another."""
    if isinstance(error, discord.LoginFailure) or (isinstance(error, discord.HTTPException) and error.status == 401):
        return ReplaceToken(REFUSED_TOKEN)
    if isinstance(error, discord.HTTPException):
        said = f"{error.status} (code {error.code}): {error.text[:200]}" if error.code else str(error.status)
        if error.status == 404:
            return NotThere(f"Discord does not know {what}", code=error.code)
        if error.status in {400, 403}:
            return DiscordRefused(f"Discord refuses {what}: {said}", status=error.status, code=error.code)
        return SourceUnavailable(f"Discord answers {what} with {said}; run again later")
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return SourceTimeout(f"Discord did not answer {what} in time; run again later")
    return SourceUnavailable(f"Discord did not answer {what} properly ({type(error).__name__}); run again later")
