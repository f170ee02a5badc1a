"""Reads Discord's answers and translates failures into the project's errors."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import discord
import orjson

from core.errors import AccessDenied, CollectorError, NotFound, ReplaceToken, SourceTimeout, SourceUnavailable
from core.operations import bounds
from core.operations.bounds import wait_seconds

PASSING = (
    discord.HTTPException, discord.RateLimited, aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, ValueError,
    ConnectionError,
)  # fmt: skip
"""Exceptions of an attempt that may be temporary; ``passes`` decides which of them are."""
RETRIED = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
BLOCK_CODE = 40333
"""Discord's error code for a request that was blocked before it reached the API.

https://github.com/discord/discord-api-docs/issues/6473
"""
UNKNOWN_WAIT = 5.0
"""Seconds to wait when Discord reports a rate limit without a wait time. A shorter wait would risk further refusals."""
BLOCK_ATTEMPTS = 2
"""Maximum number of attempts of a blocked request. Each attempt counts towards a ban of this machine's IP address."""
REFUSED_TOKEN = "Discord refuses DISCORD_BOT_TOKEN: make a new one in the developer portal (Bot, Reset Token)"  # noqa: S105  (a message)


class TokenRefused(ReplaceToken):
    """Discord refuses the token (status 401).

    It has the exit code of a configuration error, because a run raises it only if it has stored nothing.
    """

    exit_code = 2


class DiscordRefused(AccessDenied):
    """Discord refuses a request with status 400 or 403. ``code`` is Discord's error code, or 0 without one.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """

    MISSING_ACCESS = 50001
    MISSING_PERMISSIONS = 50013

    def __init__(self, message: str, *, status: int, code: int) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class RequestBlocked(SourceUnavailable):
    """Discord's firewall blocked the request before it reached the API: status 403 with an HTML page or code 40333."""


class NotThere(NotFound):
    """Discord returns 404. ``code`` is Discord's error code, or 0 when the answer is not from Discord."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MESSAGE = 10008

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message, status=404)
        self.code = code


class NotAsDocumented(ValueError):
    """The body of an answer differs from Discord's documentation."""


def read_json(text: str | bytes) -> Any:
    """Parse a body. Raises ValueError if it is not JSON.

    orjson, which discord.py uses, refuses unpaired surrogates, but ``json`` accepts them.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"))


async def read_body(response: aiohttp.ClientResponse) -> Any:
    """Return the JSON or the text of an answer. This function replaces discord.py's ``json_or_text``.

    Unlike the original, it limits the size of the body. A content type with parameters, which proxies send
    (``application/json; charset=utf-8``), also counts as JSON. Server errors are raised at once, so that only
    ``DiscordClient`` decides on retries. In the JSON object of a rate limit, ``retry_after`` is always a number.
    """
    content = await _bounded_body(response)
    is_json = response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"
    if response.status < 300 and is_json:
        return read_json(content)
    text = content.decode("utf-8", "surrogateescape")
    if response.status < 300:
        return text
    body: Any = text
    if is_json:
        try:
            body = read_json(text)
        except ValueError:  # the status alone is sufficient
            body = text
    if response.status == 429:
        return _with_wait(body, response)
    if response.status >= 500:
        raise discord.DiscordServerError(response, body)
    return body


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body. Raises NotAsDocumented when it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(1 << 16):
        parts.append(part)
        size += len(part)
        if size > bounds.LARGEST:
            response.close()
            raise NotAsDocumented(f"more than {bounds.LARGEST} bytes")
    return b"".join(parts)


def _with_wait(body: Any, response: aiohttp.ClientResponse) -> Any:
    """Return the body of a 429 answer, with a number as ``retry_after``. A body that is not an object becomes text."""
    if not isinstance(body, dict):
        return body if isinstance(body, str) else str(cast("object", body))
    members = cast("dict[str, Any]", body)
    waits = [wait_seconds(members.get("retry_after")), wait_seconds(response.headers.get("Retry-After"))]
    return {**members, "retry_after": next((wait for wait in waits if wait is not None), UNKNOWN_WAIT)}


def passes(error: Exception) -> bool:
    """Return whether the same request may succeed soon after this error."""
    if isinstance(error, discord.HTTPException):
        return error.status in RETRIED or is_block(error)
    return not isinstance(error, discord.LoginFailure)


def is_block(error: Exception) -> bool:
    """Return whether this error means that the request was blocked before it reached Discord's API."""
    if not isinstance(error, discord.HTTPException) or error.status != 403:
        return False
    return error.code == BLOCK_CODE or (error.code == 0 and error.text.lstrip().startswith("<"))


def waiting_time(error: Exception, attempt: int) -> float:
    """Return the seconds until the next attempt: 0.5, 1, 2 and so on up to 15, or more if Discord requests it."""
    return max(requested_wait(error), min(15.0, 0.5 * 2**attempt))


def requested_wait(error: Exception) -> float:
    """Return the number of seconds that Discord asks the client to wait, or 0 if it does not ask."""
    value: object = getattr(error, "retry_after", None)
    if isinstance(error, discord.HTTPException):
        headers = cast("Mapping[str, str]", error.response.headers)
        value = headers.get("Retry-After", value)
    return wait_seconds(value) or 0.0


def translated(error: Exception, what: str) -> CollectorError:
    """Return the project's error for the error of the last attempt. ``what`` names the request in the message."""
    if isinstance(error, discord.LoginFailure) or (isinstance(error, discord.HTTPException) and error.status == 401):
        return TokenRefused(REFUSED_TOKEN)
    if is_block(error):
        return RequestBlocked(
            f"Discord's firewall blocks {what} (403 with HTML or code {BLOCK_CODE}): the IP address of this machine or "
            "its proxy is blocked for a while. Wait, and check that no program on it sends many invalid requests."
        )
    if isinstance(error, discord.HTTPException):
        reply = f"{error.status} (code {error.code}): {error.text[:200]}" if error.code else str(error.status)
        if error.status == 404:
            return NotThere(f"Discord does not know {what}", code=error.code)
        if error.status in {400, 403}:
            return DiscordRefused(f"Discord refuses {what}: {reply}", status=error.status, code=error.code)
        return SourceUnavailable(f"Discord returned {reply} for {what}; run again later")
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return SourceTimeout(f"Discord did not answer {what} in time; run again later")
    reason = "the body is not as documented" if isinstance(error, ValueError) else "the connection was lost"
    return SourceUnavailable(f"Discord's answer to {what} cannot be used: {reason}; run again later")
