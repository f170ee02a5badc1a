"""X"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import AccessDenied, CursorRefused, NotFound, SliceRefused
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.links import repository_path
from github_activity_tracker.fetch.graphql import refuse_cut
from github_activity_tracker.fetch.queries import ACTOR, TOTALS_OF_DISCUSSIONS, TOTALS_OF_ISSUES, TOTALS_OF_PULLS

PER_QUERY = 100
GONE = "NOT_FOUND"
Item = dict[str, Any]
TOTALS = {
    "issues": ("issues", TOTALS_OF_ISSUES, 100),
    "pulls": ("pullRequests", TOTALS_OF_PULLS, 100),
    "discussions": ("discussions", TOTALS_OF_DISCUSSIONS, 25),
}
"""Connection, query and page size of each list of totals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalsPage:
    """Items with the sizes of what belongs to them, the cursor behind them, and whether these are the last ones."""

    items: list[Item]
    cursor: str
    last: bool


def totals_pages(client: GitHubClient, name: str, repository: str, scope: str, after: str = "") -> Iterator[TotalsPage]:
    """Yield all issues, pull requests or discussions with the sizes of their lists, in the order of their creation.

    ``repository`` is a node id. A page of a hundred costs three or four points. A refused cursor starts from the
    beginning. Items that GitHub does not show are left out.
    """
    connection, query, most = TOTALS[name]
    size, place, expected = most, after, not after
    while True:
        variables = {"repository": repository, "first": size, "after": place or None}
        try:
            answer = client.query(query, variables, scope=scope)
            found = (answer.data.get("node") or {}).get(connection)
            refuse_cut(found or {}, connection, expected=expected)
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        except CursorRefused:
            if not place:
                raise
            place, expected = "", True
            continue
        if not found:
            raise NotFound(f"GitHub shows no {connection} of this repository", reason="not_found")
        items = [edge["node"] for edge in found["edges"] if edge and edge.get("node")]
        place, last = found["pageInfo"]["endCursor"] or "", not found["pageInfo"]["hasNextPage"]
        yield TotalsPage(items=items, cursor=place, last=last)
        if last:
            return
        size, expected = min(most, size * 2), True


def is_switched_on(client: GitHubClient, full_name: str, name: str) -> bool:
    """Return whether a repository has ``issues``, ``pulls`` or ``discussions`` at all, as its settings say.

    https://docs.github.com/en/rest/repos/repos#get-a-repository
    """
    field = {"issues": "has_issues", "pulls": "has_pull_requests", "discussions": "has_discussions"}[name]
    settings = client.get(repository_path(full_name), scope=full_name).data
    return not isinstance(settings, dict) or settings.get(field) is not False


def is_gone(client: GitHubClient, full_name: str, number: int) -> tuple[bool, str]:
    """Return whether an issue or pull request is no longer in this repository; and where it went, if it was moved.

    GitHub answers 301 for one that was transferred and 404 or 410 for one that was deleted; 403 is no answer.
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
    """Return those of the numbers that GitHub's GraphQL has no issue or pull request for."""
    field = "issue" if name == "issues" else "pullRequest"

    def text(some: Sequence[str]) -> str:
        parts = " ".join(f"n{place}: {field}(number: {number}) {{ id }}" for place, number in enumerate(some))
        return (
            f"query {{ node(id: {json.dumps(repository)}) {{ ... on Repository {{ {parts} }} }} rateLimit {{ cost }} }}"
        )

    looked_up = _aliased(client, text, [str(number) for number in numbers], scope, ("node",))
    return {int(number) for number, _, kind in looked_up if kind == GONE}


def find_absent_nodes(client: GitHubClient, node_ids: Sequence[str], scope: str) -> list[str]:
    """Return those of the node ids for which GitHub answers NOT_FOUND twice: in a list, and one by one."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } rateLimit { cost } }"
    missing = [id_ for id_, _, kind in _listed(client, text, node_ids, scope) if kind == GONE]
    return _still_missing(client, missing, scope)


def fetch_accounts(client: GitHubClient, node_ids: Sequence[str], scope: str) -> tuple[list[Item], list[str]]:
    """Return the accounts with these node ids, and the ids for which GitHub answers NOT_FOUND twice."""
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Actor { ...Account } } rateLimit { cost } }\n" + ACTOR
    found: list[Item] = []
    missing: list[str] = []
    for id_, node, kind in _listed(client, text, node_ids, scope):
        if node and node.get("login"):
            found.append(node)
        elif node is None and kind == GONE:
            missing.append(id_)
    return found, _still_missing(client, missing, scope)


def _still_missing(client: GitHubClient, node_ids: Sequence[str], scope: str) -> list[str]:
    """Ask for single nodes again."""

    def text(some: Sequence[str]) -> str:
        parts = " ".join(f"n{place}: node(id: {json.dumps(id_)}) {{ id }}" for place, id_ in enumerate(some))
        return f"query {{ {parts} rateLimit {{ cost }} }}"

    return [id_ for id_, _, kind in _aliased(client, text, node_ids, scope, ()) if kind == GONE]


def _aliased(
    client: GitHubClient, text: Callable[[Sequence[str]], str], ids: Sequence[str], scope: str, parent: tuple[str, ...]
) -> Iterator[tuple[str, Any, str]]:
    """Yield ids with their nodes and errors, out of queries that give each a name of its own below ``parent``."""

    def ask(some: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
        answer = client.query(text(some), scope=scope)
        kinds = {error.path: error.kind for error in answer.errors}
        data: Any = answer.data
        for step in parent:
            data = (data or {}).get(step)
        for place, id_ in enumerate(some):
            yield id_, (data or {}).get(f"n{place}"), kinds.get((*parent, f"n{place}"), "")

    return _in_parts(ask, ids)


def _listed(client: GitHubClient, text: str, ids: Sequence[str], scope: str) -> Iterator[tuple[str, Any, str]]:
    """Yield ids with their nodes and errors, out of ``nodes(ids:)``, which answers in the order of the ids."""

    def ask(some: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
        answer = client.query(text, {"ids": list(some)}, scope=scope)
        kinds = {error.path: error.kind for error in answer.errors}
        nodes = answer.data.get("nodes") or [None] * len(some)
        for place, (id_, node) in enumerate(zip(some, nodes, strict=True)):
            yield id_, node, kinds.get(("nodes", place), "")

    return _in_parts(ask, ids)


def _in_parts(
    ask: Callable[[Sequence[str]], Iterator[tuple[str, Any, str]]], ids: Sequence[str]
) -> Iterator[tuple[str, Any, str]]:
    """Ask in batches; in smaller ones when GitHub refuses."""
    start, size = 0, PER_QUERY
    while start < len(ids):
        some = ids[start : start + size]
        try:
            yield from list(ask(some))
        except SliceRefused:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        start += len(some)
