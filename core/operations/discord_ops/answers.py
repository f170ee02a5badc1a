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
BLOCK_CODE = 40333
"""Discord's code of a request that was blocked in front of its API; https://github.com/discord/discord-api-docs/issues/6473"""
BLOCK_ATTEMPTS = 2
"""Attempts for a blocked request: each one counts towards a ban of the address."""
REFUSED_TOKEN = "Discord refuses DISCORD_BOT_TOKEN: make a new one in the developer portal (Bot, Reset Token)"  # noqa: S105  (says so)


class TokenRefused(ReplaceToken):
    """Discord answers 401. Raised out of a run only when the run stored nothing, hence the exit code."""

    exit_code = 2


class DiscordRefused(AccessDenied):
    """Discord answers 400 or 403 with a code of its own.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """

    MISSING_ACCESS = 50001
    MISSING_PERMISSIONS = 50013

    def __init__(self, message: str, *, status: int, code: int) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class RequestBlocked(SourceUnavailable):
    """Something in front of Discord's API refuses this address: an HTML page with 403, or code 40333."""


class NotThere(NotFound):
    """Discord answers 404; ``code`` says what is unknown, 0 where the answer is not Discord's own."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MESSAGE = 10008

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message, status=404)
        self.code = code


class NotAsDocumented(ValueError):
    """The body is JSON, but not what was asked for."""


def read_json(text: str | bytes) -> Any:
    """What a body says. Half a surrogate pair is an error to orjson, which discord.py uses; here it costs no page."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


async def read_body(response: aiohttp.ClientResponse) -> Any:
    """Return the JSON of an answer, or its text; stands in for discord.py's ``json_or_text``.

    Two differences: a content type with parameters (``application/json; charset=utf-8``, as some proxies send) is JSON
    too, and errors of the server are raised at once, so that one place alone decides on retries and their number.
    """
    text = await response.text(encoding="utf-8", errors="surrogateescape")
    is_json = response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"
    if response.status < 300:
        return read_json(text) if is_json else text
    body: Any = text
    if is_json:
        try:
            body = read_json(text)
        except ValueError:  # the status says enough
            body = text
    if response.status >= 500:
        raise discord.DiscordServerError(response, body)
    return body


def passes(error: Exception) -> bool:
    """Whether the same request may work in a moment."""
    if isinstance(error, discord.HTTPException):
        return error.status in RETRIED or is_block(error)
    return not isinstance(error, discord.LoginFailure)


def is_block(error: Exception) -> bool:
    """Whether the answer comes from a block in front of Discord's API."""
    if not isinstance(error, discord.HTTPException) or error.status != 403:
        return False
    return error.code == BLOCK_CODE or (error.code == 0 and error.text.lstrip().startswith("<"))


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
        return TokenRefused(REFUSED_TOKEN)
    if is_block(error):
        return RequestBlocked(
            f"a block in front of Discord refuses {what} (403, a page or code {BLOCK_CODE}): this machine's address "
            "or its proxy is blocked for a while; wait, and check that nothing else here sends many invalid requests"
        )
    if isinstance(error, discord.HTTPException):
        said = f"{error.status} (code {error.code}): {error.text[:200]}" if error.code else str(error.status)
        if error.status == 404:
            return NotThere(f"Discord does not know {what}", code=error.code)
        if error.status in {400, 403}:
            return DiscordRefused(f"Discord refuses {what}: {said}", status=error.status, code=error.code)
        return SourceUnavailable(f"Discord answers {what} with {said}; run again later")
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return SourceTimeout(f"Discord did not answer {what} in time; run again later")
    reason = "its body is not what Discord documents" if isinstance(error, ValueError) else "the connection broke"
    return SourceUnavailable(f"Discord did not answer {what} properly: {reason}; run again later")
