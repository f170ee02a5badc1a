"""X"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.graphql import note_short_lists
from github_activity_tracker.fetch.nested import Nested, add_shortfall, complete
from github_activity_tracker.fetch.queries import ACTOR, HIDDEN, PAGE

KINDS = ("IssueComment", "PullRequestReviewComment", "CommitComment")
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
"""Takes its size and, where it is continued, ``, after: "..."``."""


PER_QUERY = 100
PULLS, THREADS = 25, 300
"""Pull requests and review threads of one query: about four points."""
MOST_THREADS = 100
NESTED = Nested(name="reviewThreads", query=REVIEW_THREADS, of="PullRequest", fragments=ACTOR)
Node = dict[str, Any]


def fetch_hidden_states(client: GitHubClient, node_ids: Sequence[str], scope: str) -> Iterator[dict[str, Node | None]]:
    """Yield comments by node id, up to a hundred for a point; None for one that GitHub does not show."""
    start, size = 0, PER_QUERY
    while start < len(node_ids):
        some = list(node_ids[start : start + size])
        try:
            data = client.graphql(HIDDEN_BY_ID, {"ids": some}, scope=scope, absent=("NOT_FOUND", "FORBIDDEN"))
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        found = {node["id"]: node for node in data.get("nodes") or () if node and node.get("id")}
        yield {node_id: found.get(node_id) for node_id in some}
        start += len(some)


def fetch_review_threads(
    client: GitHubClient, pulls: Sequence[tuple[str, int]], scope: str
) -> Iterator[dict[str, Node | None]]:
    """Yield pull requests with all their review threads; ``pulls`` are node ids with the threads that are expected.

    Each thread names its first comment. None for a pull request that GitHub does not show. Threads, or first comments
    of threads, that did not arrive although GitHub counts them are noted on the pull request as its shortfall.
    """
    start, most = 0, PULLS
    while start < len(pulls):
        some = _batch(pulls[start : start + most])
        parts = [
            f"p{place}: node(id: {json.dumps(node_id)}) "
            f"{{ ... on PullRequest {{ id number {REVIEW_THREADS % (size, '')} }} }}"
            for place, (node_id, size) in enumerate(some)
        ]
        text = f"{{ {' '.join(parts)} rateLimit {{ cost }} }}\n{ACTOR}"
        try:
            data = client.graphql(text, scope=scope, absent=("NOT_FOUND", "FORBIDDEN"))
            items = [node for place in range(len(some)) if (node := data.get(f"p{place}")) and node.get("id")]
            complete(client, scope, items, [NESTED])
            note_short_lists(items, [NESTED])
        except SliceRefused:
            if most == 1:
                raise
            most = max(1, len(some) // 2)
            continue
        for item in items:
            _note_unnamed(item)
        found = {node["id"]: node for node in items}
        yield {node_id: found.get(node_id) for node_id, _ in some}
        start += len(some)


def _note_unnamed(pull: Node) -> None:
    """Note on a pull request how many of its threads do not name their first comment although they have one."""
    threads = [thread for thread in (pull.get("reviewThreads") or {}).get("nodes") or () if thread]
    unnamed = sum(_is_unnamed(thread.get("comments")) for thread in threads)
    if unnamed:
        figures = {"comments": [len(threads), len(threads) - unnamed]}
        add_shortfall(pull, "incomplete", f"{unnamed} of {len(threads)} threads name no comment", **figures)


def _is_unnamed(comments: Node | None) -> bool:
    if comments is None:
        return True
    nodes = [node for node in comments.get("nodes") or () if node and node.get("fullDatabaseId")]
    return not nodes and bool(comments.get("totalCount"))


def _batch(pulls: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The first pull requests, as many as one query carries, each with the size of its first page."""
    batch: list[tuple[str, int]] = []
    room = THREADS
    for node_id, expected in pulls:
        size = min(MOST_THREADS, max(1, expected + 1))
        if batch and size > room:
            break
        batch.append((node_id, size))
        room -= size
    return batch
