"""GraphQL lists in the order of their last change, with everything nested in them read to its end.

GitHub's cursors keep their place: an item that is edited leaves it and comes again at the end. What is kept between
runs is the cursor of an item a little before the last one (``OVERLAP``): a change within the same second may sort
before what was read last.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import CursorRefused, NotFound, SliceRefused
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch.overflow import Nested, complete
from github_activity_tracker.protocol_impl import GitHubState

logger = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=60)
GROW_AFTER = 8
"""After so many good pages in a row a larger one is tried again."""
TRIES_OF_ONE = 4
"""So often a single item is asked for before it is set aside."""
Item = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A list: its query, its name in the answer, and the connections nested in its items."""

    connection: str
    query: str
    light: str
    """The same places without what is nested; empty where items cannot be too much."""
    nested: Sequence[Nested]
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemPage:
    """Items with all that is nested in them, the state that covers them, and those that GitHub could not show."""

    items: list[Item]
    state: GitHubState
    refused: list[Item] = field(default_factory=list[Item])


def pages(
    client: GitHubClient, listing: Listing, repository: str, scope: str, start: IncrementalState
) -> Iterator[ItemPage]:
    """Every page from the saved place on. ``repository`` is a node id; a refused cursor starts from the beginning."""
    try:
        yield from _pages(client, listing, repository, scope, start)
    except CursorRefused:
        if not start.checkpoint_token:
            raise
        logger.warning("cursor no longer known; reading from the beginning scope=%s list=%s", scope, listing.connection)
        yield from _pages(client, listing, repository, scope, GitHubState())


def _pages(
    client: GitHubClient, listing: Listing, repository: str, scope: str, start: IncrementalState
) -> Iterator[ItemPage]:
    place, safe, tries, good = start.checkpoint_token or None, start.checkpoint_token, 0, 0
    size = most = listing.size
    while True:
        query, light = listing.query, False
        if size == 1 and tries >= TRIES_OF_ONE and listing.light:
            query, light = listing.light, True
        variables = {"repository": repository, "first": size, "after": place}
        try:
            found = _connection(client.graphql(query, variables, scope=scope), listing.connection)
            items = [edge["node"] for edge in found["edges"] if edge and edge.get("node")]
            if not light:
                complete(client, scope, items, listing.nested)
        except SliceRefused:
            if light or (size == 1 and tries >= TRIES_OF_ONE):
                raise
            tries = tries + 1 if size == 1 else 0
            size = most = max(1, size // 2)
            good = 0
            continue
        safe = _safe(found["edges"], safe)
        state = GitHubState(
            checkpoint_token=safe, human_readable_marker=f"changes up to {items[-1]['updatedAt']}" if items else ""
        )
        yield ItemPage(items=[] if light else items, state=state, refused=items if light else [])
        if not found["pageInfo"]["hasNextPage"]:
            return
        good += 1
        if good % GROW_AFTER == 0:
            most = min(listing.size, most * 2)
        place, size, tries = found["pageInfo"]["endCursor"], most, 0


def _connection(data: dict[str, Any], name: str) -> dict[str, Any]:
    node = data.get("node")
    if not node or not node.get(name):
        raise NotFound(f"GitHub shows no {name} of this repository", reason="not_found")
    return node[name]


def _safe(edges: Sequence[Any], before: str) -> str:
    """The cursor of the last item that is older than the newest by ``OVERLAP``, else the place before."""
    edges = [edge for edge in edges if edge and edge.get("node")]
    if not edges:
        return before
    newest = max(datetime.fromisoformat(edge["node"]["updatedAt"]) for edge in edges)
    old = [edge for edge in edges if datetime.fromisoformat(edge["node"]["updatedAt"]) < newest - OVERLAP]
    return old[-1]["cursor"] if old else before
