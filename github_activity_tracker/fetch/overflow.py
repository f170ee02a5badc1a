"""Nested connections that are longer than a page: all items' next pages in one query, until none is left."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import SliceRefused
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.fetch.reactions import count_reactions

AT_ONCE = 20
"""Connections that are continued in one query."""
Item = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Nested:
    """A connection nested in items of one type. ``query`` takes its size and ``, after: "..."``."""

    name: str
    query: str
    of: str
    """The GraphQL type of the items that hold it."""
    fragments: str
    size: int = 100
    inner: "Nested | None" = None
    """A connection nested in its nodes, which are of ``inner.of``."""


def complete(client: GitHubClient, scope: str, items: Sequence[Item], nested: Sequence[Nested]) -> None:
    """Append to each nested connection what does not fit its first page, and count reactions; in place.

    A connection whose item disappeared meanwhile stays short: its ``totalCount`` says so.
    """
    _complete(client, scope, items, nested)
    count_reactions(client, scope, items)


def _complete(client: GitHubClient, scope: str, items: Sequence[Item], nested: Sequence[Nested]) -> None:
    for one in nested:
        holders = [item for item in items if item.get(one.name)]
        at_once = AT_ONCE
        while waiting := [item for item in holders if item[one.name]["pageInfo"]["hasNextPage"]]:
            batch = waiting[:at_once]
            try:
                _extend(client, scope, batch, one)
            except SliceRefused:
                if at_once == 1:
                    raise
                at_once = max(1, at_once // 2)
        if one.inner:
            nodes = [node for item in holders for node in item[one.name]["nodes"] if node]
            _complete(client, scope, nodes, [one.inner])


def _extend(client: GitHubClient, scope: str, batch: Sequence[Item], one: Nested) -> None:
    """The next page of each of a few connections."""
    parts = [
        f"n{place}: node(id: {json.dumps(item['id'])}) {{ ... on {one.of} {{ {_page(one, item)} }} }}"
        for place, item in enumerate(batch)
    ]
    text = f"{{ {' '.join(parts)} rateLimit {{ cost }} }}\n{one.fragments}"
    data = client.graphql(text, scope=scope, absent=("NOT_FOUND",))
    for place, item in enumerate(batch):
        kept = item[one.name]
        more = (data.get(f"n{place}") or {}).get(one.name)
        if more is None:
            kept["pageInfo"] = {"hasNextPage": False, "endCursor": None}
            continue
        kept["nodes"].extend(more["nodes"])
        kept["pageInfo"], kept["totalCount"] = more["pageInfo"], more["totalCount"]


def _page(one: Nested, item: Item) -> str:
    return one.query % (one.size, f", after: {json.dumps(item[one.name]['pageInfo']['endCursor'])}")
