"""How many reactions of each kind there are: asked only for what has any, since each number costs."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.node_errors import add_shortfall, reason_of

PER_QUERY = 100
TRIES_OF_ONE = 4
"""Attempts to count a single node before it stays without numbers."""
KINDS = ("PullRequestReview", "Discussion", "DiscussionComment")
_GROUPS = "reactionGroups { content reactors(first: 1) { totalCount } }"
QUERY = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id "
    + " ".join(f"... on {kind} {{ {_GROUPS} }}" for kind in KINDS)
    + " } rateLimit { cost } }"
)
Item = dict[str, Any]
Groups = list[dict[str, Any]]


def count_reactions(client: GitHubClient, scope: str, items: Sequence[Item]) -> Iterator[None]:
    """Put numbers into the reaction groups of these items and all that is nested in them; in place, a query a step.

    A hundred cost one point. What GitHub refuses to count stays without a number and is noted on its item.
    """
    nodes = {node["id"]: (item, node) for item in items for node in _reacted(item)}
    for groups, refused in counts_by_id(client, scope, list(nodes)):
        for node_id, reason in refused.items():
            add_shortfall(nodes[node_id][0], reason, f"reactions of {node_id}")
        for node_id, counted in groups.items():
            nodes[node_id][1]["reactionGroups"] = counted
        yield


def counts_by_id(
    client: GitHubClient, scope: str, node_ids: Sequence[str]
) -> Iterator[tuple[dict[str, Groups], dict[str, str]]]:
    """Yield reaction groups with their numbers, and reasons of refusals, by node id; a query at a time.

    A node that is gone has no groups.
    """
    waiting, size, tries = list(node_ids), PER_QUERY, 0
    while waiting:
        some = waiting[:size]
        try:
            answer = client.query(QUERY, {"ids": some}, scope=scope)
        except SliceRefused:
            tries = tries + 1 if size == 1 else 0
            if tries == TRIES_OF_ONE:
                yield {some[0]: []}, {some[0]: "refused"}
                waiting, tries = waiting[1:], 0
            size = max(1, size // 2)
            continue
        shown = {node["id"]: node.get("reactionGroups") or [] for node in answer.data.get("nodes") or () if node}
        denied = {
            some[error.path[1]]: reason_of(error)
            for error in answer.errors
            if len(error.path) > 1 and isinstance(error.path[1], int) and error.path[1] < len(some)
        }
        yield (
            {node_id: shown.get(node_id, []) for node_id in some},
            {node_id: reason for node_id, reason in denied.items() if reason != "not_found"},
        )
        waiting, tries = waiting[len(some) :], 0


def uncounted(items: Sequence[Item]) -> list[str]:
    """Return the node ids of what has reactions whose numbers have not been asked for yet."""
    return [node["id"] for item in items for node in _reacted(item)]


def _reacted(item: Item) -> Iterator[Item]:
    """The item, and what is nested in it, where it has reactions without numbers."""
    groups = [group for group in item.get("reactionGroups") or () if group]
    if any(group.get("createdAt") for group in groups):  # an answer with numbers has no times
        yield item
    for name in ("reviews", "comments", "replies"):
        for node in (item.get(name) or {}).get("nodes") or ():
            if node:
                yield from _reacted(node)
