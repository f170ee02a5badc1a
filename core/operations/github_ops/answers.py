"""Translates GitHub's error answers into the project's errors, and reads partial data of GraphQL."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.http import Response

REASONS = {404: "not_found", 410: "gone", 409: "empty", 301: "moved", 302: "moved", 307: "moved", 308: "moved"}
DENIED = ("FORBIDDEN", "INSUFFICIENT_SCOPES")
INVALID = ("doesn't exist on type", "no such type", "parse error", "isn't a defined input type", "must have selections")
"""Phrases in GitHub's messages about an invalid query, which must not be repeated."""


def rest_error(response: Response) -> Exception:
    """Return the project's error for an answer whose status is not 200."""
    try:
        body: object = response.json()
    except UnexpectedAnswer:
        body = None
    members = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    message = str(members.get("message") or "no message")[:200]
    path = urlsplit(response.url).path
    if response.status == 451 or "block" in members:
        return NotFound(f"GitHub has blocked {path}: {message}", status=response.status, reason="blocked")
    if response.status in REASONS:
        location = response.headers.get("location", "")
        return NotFound(
            f"GitHub answers {path}: {location or message}", status=response.status, reason=REASONS[response.status]
        )
    if response.status == 403:
        return AccessDenied(f"GitHub denies {path}: {message}. Use a token that may read it.")
    return UnexpectedAnswer(f"GitHub answers {path} with {response.status}: {message}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeError:
    """An error about one node of a GraphQL answer. The rest of the answer is valid.

    ``path``: field names (aliases included) and list positions from the root: ``("node", "edges", 3)``.
    ``kind``: GitHub's error type, such as ``FORBIDDEN`` or ``NOT_FOUND``.
    """

    path: tuple[str | int, ...]
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphQLAnswer:
    """The data of a query, and errors about single nodes, which are null or missing with their parent."""

    data: dict[str, Any]
    errors: tuple[NodeError, ...] = ()
    token_key: str = ""
    """Key of the token that was used; see ``Token.key``."""


def graphql_answer(answer: object) -> GraphQLAnswer:
    """Return the data of a GraphQL answer with its errors about single nodes.

    Raises the project's error for any other error, because the data is not reliable then.
    """
    if not isinstance(answer, dict):
        raise SliceRefused("GitHub's GraphQL answered without a JSON object")
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
"""Types of errors that, with a path, mean that one node is not visible. Missing SAML authorization is FORBIDDEN too."""


def _is_about_a_node(error: dict[str, Any]) -> bool:
    return error.get("type") in NODE_ERRORS and isinstance(error.get("path"), list) and bool(error["path"])


def _node_error(error: dict[str, Any]) -> NodeError:
    path = tuple(part if isinstance(part, int) else str(part) for part in error["path"])
    return NodeError(path=path, kind=str(error["type"]), message=str(error.get("message") or "no message")[:300])


def graphql_error(error: dict[str, Any]) -> Exception:
    """Return the project's error for an entry of ``errors``."""
    kind, message = str(error.get("type") or ""), str(error.get("message") or "no message")[:300]
    if kind == "INVALID_CURSOR_ARGUMENTS":
        return CursorRefused(f"GitHub's GraphQL: {message}")
    if kind == "NOT_FOUND":
        return NotFound(f"GitHub's GraphQL: {message}", reason="not_found")
    if kind in DENIED:
        return AccessDenied(f"GitHub's GraphQL: {message}. Use a token that may read it.")
    if _is_invalid(error):
        return UnexpectedAnswer(f"GitHub's GraphQL: {message}")
    # Too much at once (RESOURCE_LIMITS_EXCEEDED, MAX_NODE_LIMIT_EXCEEDED, TIMEOUT), temporary failures
    # (SERVICE_UNAVAILABLE, "timedout", "Something went wrong"), and unknown types.
    return SliceRefused(f"GitHub's GraphQL: {message}")


def _is_invalid(error: dict[str, Any]) -> bool:
    """Return whether an error is about the text of the query: it has a code of the validator, and no type."""
    extensions = error.get("extensions")
    code: object = cast("dict[str, object]", extensions).get("code") if isinstance(extensions, dict) else None
    message = str(error.get("message") or "").lower()
    return not error.get("type") and (isinstance(code, str) or any(words in message for words in INVALID))


def is_too_much(error: SliceRefused) -> bool:
    """Return whether a smaller query may succeed while waiting would not help."""
    return "resource limits" in str(error).lower() or "node limit" in str(error).lower()


def denies_everything(parsed: object) -> bool:
    """Return whether permissions refuse a whole GraphQL query, so that another token may succeed."""
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
