"""How many reactions of each kind there are: asked only for what has any, since each number costs."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient

PER_QUERY = 100
KINDS = ("PullRequestReview", "Discussion", "DiscussionComment")
_GROUPS = "reactionGroups { content reactors(first: 1) { totalCount } }"
QUERY = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id "
    + " ".join(f"... on {kind} {{ {_GROUPS} }}" for kind in KINDS)
    + " } rateLimit { cost } }"
)
Item = dict[str, Any]


def count_reactions(client: GitHubClient, scope: str, items: Sequence[Item]) -> None:
    """Put numbers into the reaction groups of these items and all that is nested in them; in place.

    A hundred cost one point. What GitHub refuses to count stays without a number.
    """
    nodes = {node["id"]: node for item in items for node in _reacted(item)}
    waiting, size = list(nodes), PER_QUERY
    while waiting:
        some = waiting[:size]
        try:
            answers = client.graphql(QUERY, {"ids": some}, scope=scope, absent=("NOT_FOUND",))["nodes"]
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        for answer in answers:
            if answer and answer.get("id") in nodes:
                nodes[answer["id"]]["reactionGroups"] = answer.get("reactionGroups") or []
        waiting = waiting[len(some) :]


def _reacted(item: Item) -> Iterator[Item]:
    """The item, and what is nested in it, where it has reactions."""
    if any(group and group.get("createdAt") for group in item.get("reactionGroups") or ()):
        yield item
    for name in ("reviews", "comments", "replies"):
        for node in (item.get(name) or {}).get("nodes") or ():
            if node:
                yield from _reacted(node)
