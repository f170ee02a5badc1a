"""Reads over GraphQL whether comments are hidden and review threads are resolved.

REST does not include these states. Hiding a comment or resolving a thread changes no date.

https://docs.github.com/en/graphql/reference/interfaces#minimizable
https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.nested import Nested, add_shortfall, complete, note_short_lists
from github_activity_tracker.fetch.queries import ACTOR, HIDDEN, PAGE

KINDS = ("IssueComment", "PullRequestReviewComment", "CommitComment")
"""GraphQL types of comments that are requested by node id.

Reviews are not requested, because the list of reviews says whether a review is hidden.
"""
HIDDEN_BY_ID = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id "
    + " ".join(f"... on {kind} {{ {HIDDEN}}}" for kind in KINDS)
    + " } rateLimit { cost } }"
)
REVIEW_THREADS = (
    "reviewThreads(first: %d%s) { totalCount "
    + PAGE
    + " nodes { id isResolved resolvedBy { ...Account } comments(first: 1) { totalCount nodes { fullDatabaseId } } } }"
)
"""Template of the ``reviewThreads`` connection.

The first placeholder is the page size. The second is an empty string, or ``, after: "..."`` with a cursor.
"""


PER_QUERY = 100
PULLS, THREADS = 25, 300
"""Maximum number of pull requests and of review threads in one query. Such a query costs about four points.

GitHub may refuse a larger query. If GitHub refuses a query, it is sent again with half of the pull requests.
"""
MOST_THREADS = 100
NESTED = Nested(name="reviewThreads", query=REVIEW_THREADS, of="PullRequest", fragments=ACTOR)
Node = dict[str, Any]


def fetch_hidden_states(client: GitHubClient, node_ids: Sequence[str], scope: str) -> Iterator[dict[str, Node | None]]:
    """Yield for each query a dictionary of comments by node id. A comment that GitHub does not return is None.

    A query for up to 100 comments costs one point. Raises SliceRefused if a query for a single comment fails.
    """
    start, size = 0, PER_QUERY
    while start < len(node_ids):
        batch = list(node_ids[start : start + size])
        try:
            data = client.graphql(HIDDEN_BY_ID, {"ids": batch}, scope=scope, absent=("NOT_FOUND", "FORBIDDEN"))
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        shown = {node["id"]: node for node in data.get("nodes") or () if node and node.get("id")}
        yield {node_id: shown.get(node_id) for node_id in batch}
        start += len(batch)


def fetch_review_threads(
    client: GitHubClient, pulls: Sequence[tuple[str, int]], scope: str
) -> Iterator[dict[str, Node | None]]:
    """Yield for each query a dictionary of pull requests, with all their review threads, by node id.

    A pull request that GitHub does not return is None. ``pulls`` contains pairs: the node id of a pull request, and the
    expected number of its threads. Each thread contains the id of its first comment. If GitHub counts threads or first
    comments without returning them, the missing number is noted as the shortfall of the pull request. Raises
    SliceRefused if a query for a single pull request fails.
    """
    start, most = 0, PULLS
    while start < len(pulls):
        batch = _batch(pulls[start : start + most])
        parts = [
            f"p{position}: node(id: {json.dumps(node_id)}) "
            f"{{ ... on PullRequest {{ id number {REVIEW_THREADS % (size, '')} }} }}"
            for position, (node_id, size) in enumerate(batch)
        ]
        text = f"{{ {' '.join(parts)} rateLimit {{ cost }} }}\n{ACTOR}"
        try:
            data = client.graphql(text, scope=scope, absent=("NOT_FOUND", "FORBIDDEN"))
            items = [node for position in range(len(batch)) if (node := data.get(f"p{position}")) and node.get("id")]
            complete(client, scope, items, [NESTED])
            note_short_lists(items, [NESTED])
        except SliceRefused:
            if most == 1:
                raise
            most = max(1, len(batch) // 2)
            continue
        for item in items:
            _note_unnamed(item)
        shown = {node["id"]: node for node in items}
        yield {node_id: shown.get(node_id) for node_id, _ in batch}
        start += len(batch)


def _note_unnamed(pull: Node) -> None:
    """Note as a shortfall of a pull request how many of its threads lack the id of their first comment."""
    threads = [thread for thread in (pull.get("reviewThreads") or {}).get("nodes") or () if thread]
    unnamed = sum(_is_unnamed(thread.get("comments")) for thread in threads)
    if unnamed:
        figures = {"comments": [len(threads), len(threads) - unnamed]}
        add_shortfall(pull, "incomplete", f"{unnamed} of {len(threads)} threads lack their first comment", **figures)


def _is_unnamed(comments: Node | None) -> bool:
    if comments is None:
        return True
    nodes = [node for node in comments.get("nodes") or () if node and node.get("fullDatabaseId")]
    return not nodes and bool(comments.get("totalCount"))


def _batch(pulls: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the first pull requests that fit into one query, each with the size of its first page of threads."""
    batch: list[tuple[str, int]] = []
    left = THREADS
    for node_id, expected in pulls:
        size = min(MOST_THREADS, max(1, expected + 1))
        if batch and size > left:
            break
        batch.append((node_id, size))
        left -= size
    return batch
