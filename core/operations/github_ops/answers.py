"""What GitHub's answers mean: errors, limits, partial data."""

from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeError:
    """An error about one place of a GraphQL answer; the rest of the answer is good.

    ``path``: field names (aliases included) and list positions from the root: ``("node", "edges", 3)``.
    ``kind``: GitHub's word for it, such as ``FORBIDDEN`` or ``NOT_FOUND``.
    """

    path: tuple[str | int, ...]
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphQLAnswer:
    """The data of a query, and the errors about single places in it (which are null, or missing with their parent)."""

    data: dict[str, Any]
    errors: tuple[NodeError, ...] = ()


def graphql_answer(answer: object) -> GraphQLAnswer:
    """Return the data of a GraphQL answer with its errors about single nodes.

    Raises the typed error of any other error: then nothing in the answer can be relied on.
    """
    if not isinstance(answer, dict):
        raise SliceRefused("GitHub's GraphQL answered with something that is not an object")
    body = cast("dict[str, Any]", answer)
    errors = [error if isinstance(error, dict) else {} for error in body.get("errors") or []]
    data = body.get("data")
    partial = [error for error in errors if isinstance(data, dict) and _is_about_a_node(error)]
    if len(partial) < len(errors):
        raise graphql_error(next(error for error in errors if error not in partial))
    if not isinstance(data, dict):
        raise SliceRefused("GitHub's GraphQL answered without data")
    return GraphQLAnswer(data=cast("dict[str, Any]", data), errors=tuple(_node_error(error) for error in partial))


NODE_ERRORS = frozenset({"FORBIDDEN", "NOT_FOUND"})
"""With a path these say that one place cannot be shown to us. A refusal for lack of SAML is a FORBIDDEN, too."""


def _is_about_a_node(error: dict[str, Any]) -> bool:
    return error.get("type") in NODE_ERRORS and isinstance(error.get("path"), list) and bool(error["path"])


def _node_error(error: dict[str, Any]) -> NodeError:
    path = tuple(part if isinstance(part, int) else str(part) for part in error["path"])
    return NodeError(path=path, kind=str(error["type"]), message=str(error.get("message") or "no message")[:300])


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
