"""Translates GitHub's error answers into the project's errors, and reads partial GraphQL data."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.http import Response

REASONS = {404: "not_found", 410: "gone", 409: "empty", 301: "moved", 302: "moved", 307: "moved", 308: "moved"}
DENIED = ("FORBIDDEN", "INSUFFICIENT_SCOPES")
INVALID = ("doesn't exist on type", "no such type", "parse error", "isn't a defined input type", "must have selections")
"""Phrases in GitHub's messages about an invalid query. Such a query fails again, so it is not repeated."""


def rest_error(response: Response) -> Exception:
    """Return the project's error for an answer with a status other than 200."""
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
            f"GitHub returned {response.status} for {path}: {location or message}",
            status=response.status,
            reason=REASONS[response.status],
        )
    if response.status == 403:
        return AccessDenied(f"GitHub denies access to {path}: {message}. Use a token that may read it.")
    return UnexpectedAnswer(f"GitHub returned {response.status} for {path}: {message}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeError:
    """An error about one node of a GraphQL answer. The rest of the answer is valid.

    ``path``: field names or aliases and list positions, from the root, such as ``("node", "edges", 3)``.
    ``kind``: GitHub's error type, such as ``FORBIDDEN`` or ``NOT_FOUND``.
    """

    path: tuple[str | int, ...]
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphQLAnswer:
    """The data of a query, and the errors about single nodes. These nodes, or their parents, are null in the data."""

    data: dict[str, Any]
    errors: tuple[NodeError, ...] = ()
    token_key: str = ""
    """Key of the token that was used; see ``Token.key``."""


def graphql_answer(answer: object) -> GraphQLAnswer:
    """Return the data of a GraphQL answer and the errors about single nodes.

    Raises the matching CollectorError for any other error, because the data is then unreliable.
    """
    if not isinstance(answer, dict):
        raise SliceRefused("GitHub's GraphQL did not return a JSON object")
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
        raise SliceRefused("GitHub's GraphQL returned no data")
    return GraphQLAnswer(data=cast("dict[str, Any]", data), errors=tuple(_node_error(error) for error in partial))


NODE_ERRORS = frozenset({"FORBIDDEN", "NOT_FOUND"})
"""Types of errors about nodes that the token may not see. Missing SAML authorization is also FORBIDDEN."""


def _is_about_a_node(error: dict[str, Any]) -> bool:
    return error.get("type") in NODE_ERRORS and isinstance(error.get("path"), list) and bool(error["path"])


def _node_error(error: dict[str, Any]) -> NodeError:
    path = tuple(part if isinstance(part, int) else str(part) for part in error["path"])
    return NodeError(path=path, kind=str(error["type"]), message=str(error.get("message") or "no message")[:300])


def graphql_error(error: dict[str, Any]) -> Exception:
    """Return the project's error for one entry of an answer's ``errors``."""
    kind, message = str(error.get("type") or ""), str(error.get("message") or "no message")[:300]
    if kind == "INVALID_CURSOR_ARGUMENTS":
        return CursorRefused(f"GitHub's GraphQL: {message}")
    if kind == "NOT_FOUND":
        return NotFound(f"GitHub's GraphQL: {message}", reason="not_found")
    if kind in DENIED:
        return AccessDenied(f"GitHub's GraphQL: {message}. Use a token that may read it.")
    if _is_invalid(error):
        return UnexpectedAnswer(f"GitHub's GraphQL: {message}")
    # The query is too large (RESOURCE_LIMITS_EXCEEDED, MAX_NODE_LIMIT_EXCEEDED, TIMEOUT), the failure is temporary
    # (SERVICE_UNAVAILABLE, "timedout", "Something went wrong"), or the type is unknown.
    return SliceRefused(f"GitHub's GraphQL: {message}")


def _is_invalid(error: dict[str, Any]) -> bool:
    """Return whether an error is about the query's text. Such errors have no type, but a code or a known phrase."""
    extensions = error.get("extensions")
    code: object = cast("dict[str, object]", extensions).get("code") if isinstance(extensions, dict) else None
    message = str(error.get("message") or "").lower()
    return not error.get("type") and (isinstance(code, str) or any(words in message for words in INVALID))


def is_too_much(error: SliceRefused) -> bool:
    """Return whether GitHub refused the query because it was too large. Only a smaller query may then succeed."""
    return "resource limits" in str(error).lower() or "node limit" in str(error).lower()


def denies_everything(parsed: object) -> bool:
    """Return whether GitHub refused a whole GraphQL query because of missing permissions. Another token may succeed."""
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
