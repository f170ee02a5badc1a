"""Requests for the totals of all issues, pull requests and discussions, and checks whether ids still exist.

An id counts as deleted only if GitHub returns NOT_FOUND for this id in two different requests. A null without an error,
FORBIDDEN, and errors about a parent are no proof of a deletion.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import repository_path
from github_activity_tracker.fetch.nested import refuse_cut
from github_activity_tracker.fetch.queries import ACTOR, TOTALS_OF_DISCUSSIONS, TOTALS_OF_ISSUES, TOTALS_OF_PULLS

PER_QUERY = 100
GONE = "NOT_FOUND"
Item = dict[str, Any]
TOTALS = {
    "issues": ("issues", TOTALS_OF_ISSUES, 100),
    "pulls": ("pullRequests", TOTALS_OF_PULLS, 100),
    "discussions": ("discussions", TOTALS_OF_DISCUSSIONS, 25),
}
"""Connection, query and page size of each list of totals, by stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalsPage:
    """Items with the totals of their nested lists.

    ``cursor`` is the position after the last item. ``last`` is true for the last page of the list.
    """

    items: list[Item]
    cursor: str
    last: bool


def totals_pages(client: GitHubClient, name: str, repository: str, scope: str, after: str = "") -> Iterator[TotalsPage]:
    """Yield pages of all issues, pull requests or discussions with the totals of their nested lists, oldest first.

    ``repository`` is a node id. A page of a hundred issues or pull requests costs three or four points. If GitHub
    refuses the cursor, the list is read from the beginning. Items that GitHub does not return are omitted.
    """
    connection, query, most = TOTALS[name]
    size, cursor, expected = most, after, not after
    while True:
        variables = {"repository": repository, "first": size, "after": cursor or None}
        try:
            answer = client.query(query, variables, scope=scope)
            listed = (answer.data.get("node") or {}).get(connection)
            refuse_cut(listed or {}, connection, expected=expected)
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        except CursorRefused:
            if not cursor:
                raise
            cursor, expected = "", True
            continue
        if not listed:
            raise NotFound(f"GitHub returned no {connection} of this repository", reason="not_found")
        items = [edge["node"] for edge in listed["edges"] if edge and edge.get("node")]
        cursor, last = listed["pageInfo"]["endCursor"] or "", not listed["pageInfo"]["hasNextPage"]
        yield TotalsPage(items=items, cursor=cursor, last=last)
        if last:
            return
        size, expected = min(most, size * 2), True


def is_switched_on(client: GitHubClient, full_name: str, name: str) -> bool:
    """Return whether a feature (``issues``, ``pulls`` or ``discussions``) is switched on in a repository.

    A feature that the response does not mention counts as switched on.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    field = {"issues": "has_issues", "pulls": "has_pull_requests", "discussions": "has_discussions"}[name]
    settings = client.get(repository_path(full_name), scope=full_name).data
    return not isinstance(settings, dict) or settings.get(field) is not False


def is_gone(client: GitHubClient, full_name: str, number: int) -> tuple[bool, str]:
    """Return whether an issue or pull request is no longer in this repository, and its new address if it was moved.

    GitHub returns 301 for a transferred item, and 404 or 410 for a deleted item. 403 is no proof of a deletion.

    https://docs.github.com/en/rest/issues/issues#get-an-issue
    """
    try:
        client.get(f"{repository_path(full_name)}/issues/{number}", scope=full_name, redirects=0)
    except NotFound as error:
        moved_to = str(error).rpartition(" ")[2] if error.reason == "moved" else ""
        return error.reason in {"not_found", "gone", "moved"}, moved_to
    except AccessDenied:
        return False, ""
    return False, ""


def find_absent_numbers(
    client: GitHubClient, name: str, repository: str, numbers: Sequence[int], scope: str
) -> set[int]:
    """Return the numbers for which GitHub's GraphQL returns NOT_FOUND instead of an issue or pull request."""
    field = "issue" if name == "issues" else "pullRequest"

    def text(batch: Sequence[str]) -> str:
        parts = " ".join(f"n{position}: {field}(number: {number}) {{ id }}" for position, number in enumerate(batch))
        return (
            f"query {{ node(id: {json.dumps(repository)}) {{ ... on Repository {{ {parts} }} }} rateLimit {{ cost }} }}"
        )

    looked_up = _aliased(client, text, [str(number) for number in numbers], scope, ("node",))
    return {int(number) for number, _, kind in looked_up if kind == GONE}


def find_absent_nodes(client: GitHubClient, node_ids: Sequence[str], scope: str) -> list[str]:
    """Return the node ids for which GitHub returns NOT_FOUND in both ``nodes(ids:)`` and ``node(id:)``."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } rateLimit { cost } }"
    missing = [id_ for id_, _, kind in _listed(client, text, node_ids, scope) if kind == GONE]
    return _still_missing(client, missing, scope)


def fetch_accounts(client: GitHubClient, node_ids: Sequence[str], scope: str) -> tuple[list[Item], list[str]]:
    """Return the accounts with these node ids, and the node ids for which two requests return NOT_FOUND."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Actor { ...Account } } rateLimit { cost } }\n" + ACTOR
    accounts: list[Item] = []
    missing: list[str] = []
    for id_, node, kind in _listed(client, text, node_ids, scope):
        if node and node.get("login"):
            accounts.append(node)
        elif node is None and kind == GONE:
            missing.append(id_)
    return accounts, _still_missing(client, missing, scope)


def _still_missing(client: GitHubClient, node_ids: Sequence[str], scope: str) -> list[str]:
    """Return the node ids for which GitHub also returns NOT_FOUND from ``node(id:)``."""

    def text(batch: Sequence[str]) -> str:
        parts = " ".join(f"n{position}: node(id: {json.dumps(id_)}) {{ id }}" for position, id_ in enumerate(batch))
        return f"query {{ {parts} rateLimit {{ cost }} }}"

    return [id_ for id_, _, kind in _aliased(client, text, node_ids, scope, ()) if kind == GONE]


def _aliased(
    client: GitHubClient, text: Callable[[Sequence[str]], str], ids: Sequence[str], scope: str, parent: tuple[str, ...]
) -> Iterator[tuple[str, Any, str]]:
    """Yield each id with its node and the kind of its error, or an empty string if there is none.

    Each query has one alias for each id. ``parent`` is the path of the field that contains the aliases.
    """

    def ask(batch: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
        answer = client.query(text(batch), scope=scope)
        kinds = {error.path: error.kind for error in answer.errors}
        data: Any = answer.data
        for step in parent:
            data = (data or {}).get(step)
        for position, id_ in enumerate(batch):
            yield id_, (data or {}).get(f"n{position}"), kinds.get((*parent, f"n{position}"), "")

    return _in_parts(ask, ids)


def _listed(client: GitHubClient, text: str, ids: Sequence[str], scope: str) -> Iterator[tuple[str, Any, str]]:
    """Yield each id with its node and the kind of its error. ``nodes(ids:)`` returns nodes in the order of the ids."""

    def ask(batch: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
        answer = client.query(text, {"ids": list(batch)}, scope=scope)
        kinds = {error.path: error.kind for error in answer.errors}
        nodes = answer.data.get("nodes") or [None] * len(batch)
        for position, (id_, node) in enumerate(zip(batch, nodes, strict=True)):
            yield id_, node, kinds.get(("nodes", position), "")

    return _in_parts(ask, ids)


def _in_parts(
    ask: Callable[[Sequence[str]], Iterator[tuple[str, Any, str]]], ids: Sequence[str]
) -> Iterator[tuple[str, Any, str]]:
    """Request ids in batches, and yield the results. A batch that GitHub refuses is repeated in smaller batches."""
    start, size = 0, PER_QUERY
    while start < len(ids):
        batch = ids[start : start + size]
        try:
            yield from list(ask(batch))
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        start += len(batch)
