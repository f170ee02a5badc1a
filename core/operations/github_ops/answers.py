"""What GitHub's answers mean: errors, limits, partial data."""

from collections.abc import Collection
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.http import Response

REASONS = {404: "not_found", 410: "gone", 409: "empty", 301: "moved", 302: "moved", 307: "moved", 308: "moved"}
TOO_MUCH = ("RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT")
LIMITED = ("RATE_LIMITED", "RATE_LIMIT")
"""Both have been seen: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api"""


def rest_error(response: Response) -> Exception:
    """The typed error of an answer that is not a good one."""
    try:
        body: object = response.json()
    except UnexpectedAnswer:
        body = None
    told = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    message = str(told.get("message") or "no message")[:200]
    place = urlsplit(response.url).path
    if response.status == 451 or "block" in told:
        return NotFound(f"GitHub has blocked {place}: {message}", status=response.status, reason="blocked")
    if response.status in REASONS:
        where = response.headers.get("location", "")
        return NotFound(
            f"GitHub answers {place}: {where or message}", status=response.status, reason=REASONS[response.status]
        )
    if response.status == 403:
        return AccessDenied(f"GitHub denies {place}: {message}. Use a token that may read it.")
    return UnexpectedAnswer(f"GitHub answers {place} with {response.status}: {message}")


def graphql_data(answer: object, absent: Collection[str]) -> dict[str, Any]:
    """The data of a GraphQL answer that is whole, but for what is ``absent`` on purpose."""
    if not isinstance(answer, dict):
        raise SliceRefused("GitHub's GraphQL answered with something that is not an object")
    told = cast("dict[str, Any]", answer)
    errors = [error for error in told.get("errors") or [] if error.get("type") not in absent]
    if errors:
        raise graphql_error(errors[0])
    if not isinstance(told.get("data"), dict):
        raise SliceRefused("GitHub's GraphQL answered without data")
    return told["data"]


def graphql_error(error: dict[str, Any]) -> Exception:
    """The typed error of the first of an answer's errors."""
    kind, message = str(error.get("type") or ""), str(error.get("message") or "no message")[:300]
    if kind in TOO_MUCH or "something went wrong" in message.lower() or "timeout" in message.lower():
        return SliceRefused(f"GitHub's GraphQL: {message}")
    if kind == "INVALID_CURSOR_ARGUMENTS":
        return CursorRefused(f"GitHub's GraphQL: {message}")
    if kind == "NOT_FOUND":
        return NotFound(f"GitHub's GraphQL: {message}", reason="not_found")
    if kind == "FORBIDDEN" or kind == "INSUFFICIENT_SCOPES":
        return AccessDenied(f"GitHub's GraphQL: {message}. Use a token that may read it.")
    return UnexpectedAnswer(f"GitHub's GraphQL: {message}")


def is_rate_limited(response: Response) -> bool:
    """Whether an answer of status 200 says that the points are used up."""
    told = response.parsed
    if not isinstance(told, dict):
        return False
    errors = cast("dict[str, Any]", told).get("errors") or []
    return any(error.get("type") in LIMITED for error in errors)


def limit_wait(response: Response, now: float) -> float | None:
    """Seconds to wait when an answer says that a limit is reached, else None.

    A secondary limit may come while requests remain: it is told by ``retry-after`` or by its message.
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if response.status not in {403, 429}:
        return None
    after = response.headers.get("retry-after", "")
    if after.isdigit():
        return max(1.0, float(after))
    if after:
        try:
            return max(1.0, parsedate_to_datetime(after).timestamp() - now)
        except ValueError:
            return 60.0
    if response.headers.get("x-ratelimit-remaining") == "0" and response.headers.get("x-ratelimit-reset", "").isdigit():
        return max(1.0, float(response.headers["x-ratelimit-reset"]) - now + 1)
    limited = response.status == 429 or b"rate limit" in response.body.lower()
    return 60.0 if limited else None
