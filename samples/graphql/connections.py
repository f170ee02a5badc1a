"""GraphQL connections for lists of (key, function) pairs. A cursor contains the key of a node."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from graphql import GraphQLError

Json = dict[str, Any]
Key = tuple[str, int]
Entry = tuple[Key, Callable[[], Json]]
"""The sort key of a node, and a function that creates the node."""


def connection(entries: Sequence[Entry], **arguments: Any) -> Json:
    """Return a page of entries, which must be in ascending order. ``orderBy`` may reverse them.

    Raises GraphQLError if neither ``first`` nor ``last`` is given, or for an invalid cursor.
    """
    order = arguments.get("orderBy") or {}
    if order.get("direction") == "DESC":
        entries = list(reversed(entries))
    size = arguments.get("first") or arguments.get("last")
    if not size:
        raise GraphQLError(
            "You must provide a `first` or `last` value to properly paginate the connection.",
            extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
        )
    start = _behind(entries, arguments["after"], order.get("direction") == "DESC") if arguments.get("after") else 0
    chosen = entries[start : start + size] if arguments.get("first") else entries[-size:]
    end = start + len(chosen)
    return {
        "totalCount": len(entries),
        "nodes": lambda: [make() for _, make in chosen],
        "edges": lambda: [{"cursor": _cursor(key), "node": make()} for key, make in chosen],
        "pageInfo": {
            "hasNextPage": bool(arguments.get("first")) and end < len(entries),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(chosen[0][0]) if chosen else None,
            "endCursor": _cursor(chosen[-1][0]) if chosen else None,
        },
    }


def plain(nodes: Sequence[Json]) -> Callable[..., Json]:
    """Return a function that returns pages of the nodes in the given order. Cursors contain positions in ``nodes``."""
    entries: list[Entry] = [(("", place), partial(dict, node)) for place, node in enumerate(nodes)]

    def listed(**arguments: Any) -> Json:
        return connection(entries, **{**arguments, "orderBy": None})

    return listed


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _behind(entries: Sequence[Entry], cursor: str, descending: bool) -> int:
    """Return the index of the first entry after a cursor. Raises GraphQLError for an invalid cursor."""
    try:
        value, number = cast("list[Any]", json.loads(base64.urlsafe_b64decode(cursor)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise GraphQLError(
            f"`{cursor}` does not appear to be a valid cursor.", extensions={"type": "INVALID_CURSOR_ARGUMENTS"}
        ) from error
    keys = [key for key, _ in entries]
    if descending:
        return len(keys) - bisect_left(list(reversed(keys)), (value, number))
    return bisect_right(keys, (value, number))
