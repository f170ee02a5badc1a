"""Completes GraphQL items: continues long nested connections, counts reactions, and notes errors about single nodes.

An error about a single node affects only its item. Nested connections that are longer than a page are continued for
many items together, several in one query. A later run can read the remaining pages from saved cursors. A continued item
contains only its identity and the lists that are still open. ``before`` is the number of members of a list that an
earlier run has stored.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from core.errors import SliceRefused
from core.operations.github_ops.answers import NodeError
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker.protocol_impl import CONTINUED, HIDDEN, SHORTFALL

Item = dict[str, Any]
Path = tuple[str | int, ...]
ACTORS = frozenset({"author", "actor", "mergedBy"})
_REASONS = {"NOT_FOUND": "not_found"}
_MOST_DETAIL = 500


def reason_of(error: NodeError) -> str:
    """Return the reason of a skipped item: ``not_found`` for NOT_FOUND, else ``denied``."""
    return _REASONS.get(error.kind, "denied")


def add_shortfall(item: Item, reason: str, detail: str, **figures: Any) -> None:
    """Note on an item that parts of it could not be read. The first reason is preserved, and details are joined.

    ``figures`` has the total (-1 if it is unknown) and the number of received members of each incomplete list.
    """
    known: dict[str, Any] = item.setdefault(SHORTFALL, {"reason": reason, "detail": "", "lists": {}})
    if detail and detail not in known["detail"]:
        known["detail"] = f"{known['detail']}; {detail}".removeprefix("; ")[:_MOST_DETAIL]
    known["lists"].update(figures)


def note_errors(items: Mapping[Path, Item | None], errors: Sequence[NodeError]) -> list[NodeError]:
    """Note each error on the item that it concerns. Returns the errors about whole items and errors outside all items.

    ``items`` are the items of a response by path.
    """
    others: list[NodeError] = []
    for error in errors:
        at, item = next(
            ((path, item) for path, item in items.items() if error.path[: len(path)] == path), (error.path, None)
        )
        rest = error.path[len(at) :]
        if item is None or not rest:
            others.append(error)
            continue
        add_shortfall(item, reason_of(error), f"{'.'.join(map(str, rest))}: {error.message}")
        _hide_actor(item, rest)
    return others


def _hide_actor(item: Item, path: Path) -> None:
    """If an error made an actor null, replace null with a placeholder.

    Without the placeholder, the actor would look like a deleted account.
    """
    if path[-1] not in ACTORS:
        return
    holder: object = item
    for part in path[:-1]:
        if isinstance(part, int) and isinstance(holder, list):
            members = cast("list[object]", holder)
            holder = members[part] if part < len(members) else None
        elif isinstance(part, str) and isinstance(holder, dict):
            holder = cast("dict[str, object]", holder).get(part)
        else:
            return
    if isinstance(holder, dict) and cast("dict[str, object]", holder).get(str(path[-1])) is None:
        holder[str(path[-1])] = {"__typename": "", "login": HIDDEN}


REACTED_PER_QUERY = 100
"""Maximum number of nodes in one query for reaction counts. Such a query costs one point."""
TRIES_OF_ONE = 4
"""Attempts to read a single node before a shortfall is noted. A refusal can be temporary."""
KINDS = ("PullRequestReview", "Discussion", "DiscussionComment")
"""Types of nodes with reactions that are counted over GraphQL. The counts of other types come from REST."""
_GROUPS = "reactionGroups { content reactors(first: 1) { totalCount } }"
REACTIONS_BY_ID = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id "
    + " ".join(f"... on {kind} {{ {_GROUPS} }}" for kind in KINDS)
    + " } rateLimit { cost } }"
)
Groups = list[dict[str, Any]]


def count_reactions(client: GitHubClient, scope: str, items: Sequence[Item]) -> Iterator[None]:
    """Add counts to the reaction groups of the items and of their nested nodes, in place. Yields after each query.

    If GitHub refuses to count the reactions of a node, the node gets no counts and the refusal is noted on its item.
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
    """Yield for each query the reaction groups with counts, and the reasons for refusals, both by node id.

    A deleted node has an empty list of groups.
    """
    waiting, size, tries = list(node_ids), REACTED_PER_QUERY, 0
    while waiting:
        batch = waiting[:size]
        try:
            answer = client.query(REACTIONS_BY_ID, {"ids": batch}, scope=scope)
        except SliceRefused:
            tries = tries + 1 if size == 1 else 0
            if tries == TRIES_OF_ONE:
                yield {batch[0]: []}, {batch[0]: "refused"}
                waiting, tries = waiting[1:], 0
            size = max(1, size // 2)
            continue
        shown = {node["id"]: node.get("reactionGroups") or [] for node in answer.data.get("nodes") or () if node}
        denied = {
            batch[error.path[1]]: reason_of(error)
            for error in answer.errors
            if len(error.path) > 1 and isinstance(error.path[1], int) and error.path[1] < len(batch)
        }
        yield (
            {node_id: shown.get(node_id, []) for node_id in batch},
            {node_id: reason for node_id, reason in denied.items() if reason != "not_found"},
        )
        waiting, tries = waiting[len(batch) :], 0


def uncounted(items: Sequence[Item]) -> list[str]:
    """Return the ids of the nodes with reactions that are not counted yet."""
    return [node["id"] for item in items for node in _reacted(item)]


def _reacted(item: Item) -> Iterator[Item]:
    """Yield the nodes that have reactions without counts: the item itself and its nested nodes."""
    groups = [group for group in item.get("reactionGroups") or () if group]
    if any(group.get("createdAt") for group in groups):  # counted groups have no times
        yield item
    for name in ("reviews", "comments", "replies"):
        for node in (item.get(name) or {}).get("nodes") or ():
            if node:
                yield from _reacted(node)


AT_ONCE = 20
"""Maximum number of connections that one query continues. A larger query is more likely to be refused."""
IDENTITY = ("id", "number", "url", "updatedAt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Nested:
    """A connection nested in items of one type.

    ``query`` is a template with two placeholders: the page size, and the cursor argument. The cursor argument is
    ``, after: "..."``, or empty for the first page.
    """

    name: str
    query: str
    of: str
    """GraphQL type of the items that contain the connection."""
    fragments: str
    size: int = 100
    inner: "Nested | None" = None
    """A connection nested in the nodes of this connection. The nodes have the GraphQL type ``inner.of``."""
    is_column: bool = False
    """Whether the list is stored as a column of its item. A later run must then read the list from its beginning."""


def complete(client: GitHubClient, scope: str, items: Sequence[Item], nested: Sequence[Nested]) -> None:
    """Append the remaining pages of each nested connection, and count reactions. The items are changed in place.

    Parts that could not be read are noted as the shortfall of their item.
    """
    for _ in steps(client, scope, items, nested):
        pass


def steps(client: GitHubClient, scope: str, items: Sequence[Item], nested: Sequence[Nested]) -> Iterator[None]:
    """Do the same as ``complete``, but yield after each query."""
    tidy(items, nested)
    yield from count_reactions(client, scope, items)
    for item, holder, one in _open(items, nested):
        if holder.get(one.name) is None:
            add_shortfall(item, "incomplete", f"{one.name} is missing", **{one.name: [-1, 0]})
    at_once, tries = AT_ONCE, 0
    while waiting := [entry for entry in _open(items, nested) if _has_more(entry[1].get(entry[2].name))]:
        batch = [entry for entry in waiting if entry[2] is waiting[0][2]][:at_once]
        try:
            _extend(client, scope, batch)
        except SliceRefused as error:
            tries = tries + 1 if at_once == 1 else 0
            if tries == TRIES_OF_ONE:
                item, holder, one = batch[0]
                add_shortfall(item, "refused", f"{one.name}: {error}")
                holder[one.name]["pageInfo"] = {"hasNextPage": False, "endCursor": None}
                tries = 0
            at_once = max(1, at_once // 2)
            continue
        tidy(items, nested)
        tries = 0
        yield
        yield from count_reactions(client, scope, items)


def tidy(items: Sequence[Item], nested: Sequence[Nested]) -> None:
    """Remove nulls from the nested lists, and count the nulls. GitHub includes them in its totals."""
    for _, holder, one in _open(items, nested):
        connection = holder.get(one.name)
        if connection is not None:
            nodes: list[Any] = connection.get("nodes") or []
            connection["nodes"] = [node for node in nodes if node]
            connection["nulls"] = connection.get("nulls", 0) + len(nodes) - len(connection["nodes"])


def missing(items: Sequence[Item], nested: Sequence[Nested]) -> list[tuple[Item, str, int, int]]:
    """Return the nested lists with fewer members than GitHub counts.

    Lists with unread pages are omitted, unless they are stored as columns. Each tuple has the item, the name of the
    list, the total, and the number of members that arrived.
    """
    short: list[tuple[Item, str, int, int]] = []
    for item, holder, one in _open(items, nested):
        connection = holder.get(one.name)
        if connection is None or (_has_more(connection) and not one.is_column):
            continue
        arrived = len(connection["nodes"]) + connection.get("nulls", 0) + connection.get("before", 0)
        if arrived < int(connection.get("totalCount") or 0):
            name = one.name if holder is item else f"{one.name} of {holder['id']}"
            short.append((item, name, int(connection["totalCount"]), arrived))
    return short


def note_short_lists(items: Sequence[Item], nested: Sequence[Nested]) -> None:
    """Note on each item the nested lists that are shorter than their totals."""
    for item, name, total, arrived in missing(items, nested):
        add_shortfall(item, "incomplete", f"{name}: {arrived} of {total} arrived", **{name: [total, arrived]})


def has_open_columns(items: Sequence[Item], nested: Sequence[Nested]) -> bool:
    """Return whether a list that is stored as a column of its item has another page."""
    return any(one.is_column and _has_more(holder.get(one.name)) for _, holder, one in _open(items, nested))


def unfinished(items: Sequence[Item], nested: Sequence[Nested]) -> list[Item]:
    """Return the items with which ``steps`` can continue the lists that are still open. They can be saved as JSON."""
    return [rest for item in items if (rest := _rest(item, nested)) is not None]


def _rest(holder: Item, nested: Sequence[Nested]) -> Item | None:
    rest: Item = {name: holder[name] for name in IDENTITY if name in holder} | {CONTINUED: True}
    is_open = False
    for one in nested:
        connection: Item | None = holder.get(one.name)
        if connection is None or one.is_column:
            continue
        inner = [_rest(node, [one.inner]) for node in connection["nodes"] if node] if one.inner else []
        stubs = [stub for stub in inner if stub is not None]
        if stubs or _has_more(connection):
            is_open = True
            arrived = len(connection["nodes"]) + connection.get("before", 0)
            rest[one.name] = {
                "totalCount": connection["totalCount"], "pageInfo": connection["pageInfo"], "nodes": stubs,
                "nulls": connection.get("nulls", 0), "before": arrived - len(stubs),
            }  # fmt: skip
    return rest if is_open else None


def _has_more(connection: Mapping[str, Any] | None) -> bool:
    return bool(connection and (connection.get("pageInfo") or {}).get("hasNextPage"))


def _open(items: Sequence[Item], nested: Sequence[Nested]) -> Iterator[tuple[Item, Item, Nested]]:
    """Yield each nested connection: the item, the node that contains the connection, and its declaration."""
    for one in nested:
        for item in items:
            if one.name in item:
                yield item, item, one
        if one.inner:
            for item in items:
                for node in (item.get(one.name) or {}).get("nodes") or ():
                    if node and one.inner.name in node:
                        yield item, node, one.inner


def _extend(client: GitHubClient, scope: str, batch: Sequence[tuple[Item, Item, Nested]]) -> None:
    """Append the next page to each connection of the batch. All connections are of one kind."""
    one = batch[0][2]
    parts = [
        f"n{place}: node(id: {json.dumps(holder['id'])}) {{ ... on {one.of} {{ {_page(one, holder)} }} }}"
        for place, (_, holder, _) in enumerate(batch)
    ]
    text = f"{{ {' '.join(parts)} rateLimit {{ cost }} }}\n{one.fragments}"
    answer = client.query(text, scope=scope)
    shown: dict[Path, Item | None] = {(f"n{place}",): answer.data.get(f"n{place}") for place in range(len(batch))}
    others = note_errors(shown, answer.errors)
    for place, (item, holder, _) in enumerate(batch):
        node = shown[f"n{place}",] or {}
        page, connection = node.get(one.name), holder[one.name]
        _pass_on(item, node, [error for error in others if error.path[0] == f"n{place}"])
        if page is None:
            connection["pageInfo"] = {"hasNextPage": False, "endCursor": None}
            continue
        connection["nodes"].extend(page.get("nodes") or ())
        stuck = page["pageInfo"].get("endCursor") == connection["pageInfo"].get("endCursor")
        connection["pageInfo"], connection["totalCount"] = page["pageInfo"], page["totalCount"]
        if stuck:  # the cursor did not advance; following it would never end
            connection["pageInfo"] = {"hasNextPage": False, "endCursor": None}


def _pass_on(item: Item, node: Item, errors: Sequence[NodeError]) -> None:
    """Note the shortfall of a nested node, and errors about it, on its item."""
    if known := node.get(SHORTFALL):
        add_shortfall(item, known["reason"], known["detail"])
    for error in errors:
        add_shortfall(item, reason_of(error), error.message)


def _page(one: Nested, holder: Item) -> str:
    return one.query % (one.size, f", after: {json.dumps(holder[one.name]['pageInfo']['endCursor'])}")


def more_complete(item: Item, other: Item) -> Item:
    """Return the more complete of two versions of an item, or ``other`` if both are equally complete."""

    def lacking(one: Item) -> int:
        lists: dict[str, list[int]] = (one.get(SHORTFALL) or {}).get("lists", {})
        return sum(total - arrived if total >= 0 else 1_000_000 for total, arrived in lists.values())

    return other if lacking(other) <= lacking(item) else item


def refuse_cut(connection: Mapping[str, Any], name: str, *, expected: bool) -> None:
    """Raise SliceRefused for a page without items if the list is not empty. GitHub may cut lists without an error.

    ``expected`` is true if the page is the first of the list, or if the page before it announced a next page.
    """
    if expected and not connection.get("edges") and connection.get("totalCount"):
        raise SliceRefused(f"GitHub's GraphQL counts {connection['totalCount']} {name} but returned none")
