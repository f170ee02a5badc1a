"""Helpers that several converters share: reactions, hidden and resolved states, nested lists."""

from collections.abc import Mapping
from typing import Any

from core.ingest.values import Row, bounded_int, clean, clip

REACTIONS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "HOORAY": "hooray", "CONFUSED": "confused",
    "HEART": "heart", "ROCKET": "rocket", "EYES": "eyes",
}  # fmt: skip
"""Names of reactions in REST, by their names in GraphQL."""


def reaction_counts(groups: Any) -> dict[str, int]:
    """Return the number of reactions of each kind from GraphQL's groups. Kinds without reactions are omitted."""
    counts: dict[str, int] = {}
    for group in groups or ():
        if number := ((group or {}).get("reactors") or {}).get("totalCount"):
            content = clip(str(group.get("content") or "unknown"), 32)
            counts[REACTIONS.get(content, content.lower())] = bounded_int(number, 32)
    return counts


def rest_reaction_counts(counts: Mapping[str, object] | None) -> dict[str, int]:
    """Return the number of reactions of each kind from REST's summary. Kinds without reactions are omitted."""
    return {clean(k): n for k, n in (counts or {}).items() if isinstance(n, int) and n and k != "total_count"}


def hidden_state(node: Mapping[str, Any]) -> Row:
    """Return the columns with the hidden state of a comment or review, and the reason.

    ``is_minimized`` is None if GitHub did not return the state.
    """
    hidden = node.get("isMinimized")
    return {
        "is_minimized": None if hidden is None else bool(hidden),
        "minimized_reason": clip(node.get("minimizedReason"), 64) if hidden else "",
    }


def resolved_state(thread: Mapping[str, Any]) -> Row:
    """Return the columns with a comment's review thread, whether it is resolved, and the account that resolved it."""
    resolved = thread.get("isResolved")
    by = (thread.get("resolvedBy") or {}).get("databaseId") if resolved else None
    return {
        "thread_node_id": clip(thread.get("id"), 100),
        "is_resolved": None if resolved is None else bool(resolved),
        "resolved_by_id": int(by) if by else None,
    }


def arrived_whole(connection: Mapping[str, Any] | None) -> bool:
    """Return whether a GraphQL connection contains all nodes that GitHub counts. False if the connection is missing."""
    if connection is None or connection.get("nodes") is None:
        return False
    nodes = [node for node in connection["nodes"] if node]
    return len(nodes) == len(connection["nodes"]) and len(nodes) >= int(connection.get("totalCount") or 0)


def last_number(url: str) -> int:
    """Return the number at the end of the URL of an issue or pull request. Raises ValueError if there is none."""
    return bounded_int(int(url.rstrip("/").rpartition("/")[2]), 32)
