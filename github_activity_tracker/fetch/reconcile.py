"""What there still is: totals and ids alone."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import NotFound, SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch import queries
from github_activity_tracker.fetch.listing import Listing, pages
from github_activity_tracker.fetch.queries.events import ACTOR
from github_activity_tracker.protocol_impl import GitHubState

PER_QUERY = 100
TOTALS = {
    "issues": Listing(connection="issues", query=queries.TOTALS_OF_ISSUES, light="", nested=(), size=100),
    "pulls": Listing(connection="pullRequests", query=queries.TOTALS_OF_PULLS, light="", nested=(), size=100),
}


def totals(client: GitHubClient, name: str, repository: str, scope: str) -> Iterator[list[dict[str, Any]]]:
    """Numbers of all issues or pull requests with how much each holds, in the order of their creation."""
    for page in pages(client, TOTALS[name], repository, scope, GitHubState()):
        yield page.items


def is_gone(client: GitHubClient, full_name: str, number: int) -> tuple[bool, str]:
    """Whether an issue or pull request is no longer in this repository; and where it went, if it was moved.

    GitHub answers 301 for one that was transferred and 404 or 410 for one that was deleted.
    https://docs.github.com/en/rest/issues/issues#get-an-issue
    """
    try:
        client.get(f"/repos/{full_name}/issues/{number}", scope=full_name, redirects=0)
    except NotFound as error:
        return error.reason in {"not_found", "gone", "moved"}, str(error).rpartition(" ")[
            2
        ] if error.reason == "moved" else ""
    return False, ""


def absent_nodes(client: GitHubClient, node_ids: Sequence[str], scope: str) -> list[str]:
    """Those of the node ids that GitHub does not know any more."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } rateLimit { cost } }"
    return [
        node_id for some, nodes in _ask(client, text, node_ids, scope)
        for node_id, node in zip(some, nodes, strict=True) if node is None
    ]  # fmt: skip


def accounts(client: GitHubClient, node_ids: Sequence[str], scope: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Accounts by their node ids: those that there are, and the ids of those that are gone."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Actor { ...Account } } rateLimit { cost } }\n" + ACTOR
    found: list[dict[str, Any]] = []
    gone: list[str] = []
    for some, nodes in _ask(client, text, node_ids, scope):
        for node_id, node in zip(some, nodes, strict=True):
            if node is None:
                gone.append(node_id)
            elif node.get("login"):
                found.append(node)
    return found, gone


def _ask(
    client: GitHubClient, text: str, node_ids: Sequence[str], scope: str
) -> Iterator[tuple[Sequence[str], list[Any]]]:
    """Answers of ``nodes(ids:)``, in the order of the ids; smaller batches when GitHub refuses."""
    start, size = 0, PER_QUERY
    while start < len(node_ids):
        some = node_ids[start : start + size]
        try:
            nodes = client.graphql(text, {"ids": list(some)}, scope=scope, absent=("NOT_FOUND",))["nodes"]
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        yield some, nodes
        start += len(some)
