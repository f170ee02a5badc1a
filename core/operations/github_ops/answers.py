"""What GitHub's answers mean: errors, limits, partial data."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.http import Response

REASONS = {404: "not_found", 410: "gone", 409: "empty", 301: "moved", 302: "moved", 307: "moved", 308: "moved"}
DENIED = ("FORBIDDEN", "INSUFFICIENT_SCOPES")
INVALID = ("doesn't exist on type", "no such type", "parse error", "isn't a defined input type", "must have selections")
"""How GitHub's words begin or go on about a query that no repetition makes valid."""


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
    token_key: str = ""
    """Which token asked; see ``Token.key``."""


def graphql_answer(answer: object) -> GraphQLAnswer:
    """Return the data of a GraphQL answer with its errors about single nodes.

    Raises the typed error of any other error: then nothing in the answer can be relied on.
    """
    if not isinstance(answer, dict):
        raise SliceRefused("GitHub's GraphQL answered with something that is not an object")
    body = cast("dict[str, Any]", answer)
    rows: Any = body.get("errors") or []
    errors: list[dict[str, Any]] = [
        error if isinstance(error, dict) else {} for error in (rows if isinstance(rows, list) else [rows])
    ]
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
    if kind == "INVALID_CURSOR_ARGUMENTS":
        return CursorRefused(f"GitHub's GraphQL: {message}")
    if kind == "NOT_FOUND":
        return NotFound(f"GitHub's GraphQL: {message}", reason="not_found")
    if kind in DENIED:
        return AccessDenied(f"GitHub's GraphQL: {message}. Use a token that may read it.")
    if _is_invalid(error):
        return UnexpectedAnswer(f"GitHub's GraphQL: {message}")
    # Too much at once (RESOURCE_LIMITS_EXCEEDED, MAX_NODE_LIMIT_EXCEEDED, TIMEOUT), trouble that passes
    # (SERVICE_UNAVAILABLE, "timedout", "Something went wrong"), and what GitHub invents next year.
    return SliceRefused(f"GitHub's GraphQL: {message}")


def _is_invalid(error: dict[str, Any]) -> bool:
    """Whether an error is about the text of the query: those have a code of the validator, and no type."""
    extensions = error.get("extensions")
    code: object = cast("dict[str, object]", extensions).get("code") if isinstance(extensions, dict) else None
    message = str(error.get("message") or "").lower()
    return not error.get("type") and (isinstance(code, str) or any(words in message for words in INVALID))


def is_too_much(error: SliceRefused) -> bool:
    """Whether a smaller query helps, and waiting does not."""
    return "resource limits" in str(error).lower() or "node limit" in str(error).lower()


def denies_everything(parsed: object) -> bool:
    """Whether a GraphQL answer holds nothing but a refusal for lack of permissions: another token may get more."""
    if not isinstance(parsed, dict):
        return False
    body = cast("dict[str, Any]", parsed)
    rows: Any = body.get("errors")
    errors = cast("list[Any]", rows) if isinstance(rows, list) else []
    data: Any = body.get("data")
    useful = cast("dict[str, Any]", data).items() if isinstance(data, dict) else ()
    return any(isinstance(error, dict) and error.get("type") in DENIED for error in errors) and not any(  # pyright: ignore[reportUnknownMemberType]  # JSON
        value for name, value in useful if name not in {"rateLimit", "viewer"}
    )
