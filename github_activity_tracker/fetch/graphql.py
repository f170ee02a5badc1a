"""Reads GraphQL lists in the order in which their items changed, with all connections nested in the items.

A cursor of GitHub marks a fixed position: an edited item leaves its position and appears again at the end of the list.
The state of a page is the cursor after its last item, so any number of items may have the same time.

Near the present, a new change may still be sorted before the last item that was read. Therefore the state also has the
cursor of the last item that was older than ``OVERLAP`` by GitHub's clock. After a list was read to its end, the next
run starts at this cursor.

Nested lists that were not read to their end are saved with the page. They are continued before the next page is read.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.errors import (
    AccessDenied,
    BudgetExhausted,
    CursorRefused,
    NotFound,
    RetryLater,
    SliceRefused,
    UnexpectedAnswer,
)
from core.operations.github_ops.answers import GraphQLAnswer, NodeError, graphql_error
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch.nested import (
    Groups,
    Nested,
    counts_by_id,
    has_open_columns,
    more_complete,
    note_errors,
    note_short_lists,
    reason_of,
    refuse_cut,
    steps,
    uncounted,
    unfinished,
)
from github_activity_tracker.protocol_impl import CONTINUED, SHORTFALL, GitHubState

logger = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=60)
"""Age of a change, by GitHub's clock, after which its position in the list is considered final.

A change within the same second may be sorted before the last item that was read. One minute is a safe margin.
"""
GROW_AFTER = 8
"""Number of consecutive pages without a refusal after which a page of twice the size is requested.

A smaller number would cause more refused queries.
"""
TRIES_OF_ONE = 4
"""Attempts to read a single item in full before it is recorded as a skip. A refusal can be temporary."""
REFUSALS = 2
"""Number of NotFound or AccessDenied errors after which a run stops reading a list. A single error can be temporary."""
FEW = 5
"""Number of items of the first page with ``small_steps``. Each following page has twice as many.

Few items are complete after few queries, so a run with little time can store a page.
"""
SAVE_EVERY = 4
"""Number of queries for nested lists after which an incomplete page is stored.

A run that is killed loses the results of at most this many queries.
"""
DETAILS = 25
"""Maximum number of items that one query requests by their ids. A larger query is more likely to be refused."""
Item = dict[str, Any]
Known = Mapping[str, object]
"""The lists that are known to be shorter than their totals, by node id of the item that contains them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A list of a repository: its query, its name in the response, and the connections nested in its items."""

    connection: str
    query: str
    light: str
    """The query of the same list without nested connections. Empty if there is no such query."""
    nested: Sequence[Nested]
    size: int
    detail: str = ""
    """The query for the same items by node ids (``$ids``). If it is empty, incomplete items are not requested again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """An item that GitHub did not return. ``after`` is the cursor before the item, or None for the first item."""

    external_id: str
    reason: str
    detail: str
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemPage:
    """Items with their nested connections, and the state that covers them.

    ``refused`` are items that GitHub returned only without nested connections. ``denied`` are items for which GitHub
    returned an error instead. The shortfall of an item is stored in the item under ``SHORTFALL``. ``reactions``
    are the counted reaction groups of items on an earlier page, by node id.
    """

    items: list[Item]
    state: GitHubState
    refused: list[Item] = field(default_factory=list[Item])
    denied: list[Denied] = field(default_factory=list[Denied])
    reactions: dict[str, Groups] = field(default_factory=dict[str, Groups])


def pages(
    client: GitHubClient, listing: Listing, repository: str, scope: str, start: IncrementalState,
    known: Known | None = None, *, small_steps: bool = False,
) -> Iterator[ItemPage]:  # fmt: skip
    """Yield all pages of a list from the saved cursor on. ``repository`` is a node id.

    If GitHub refuses the cursor, the list is read from the beginning. With ``small_steps``, the first pages have few
    items. This suits a run that may end before it can store a large page.
    """
    walk = _Walk(
        client=client, listing=listing, repository=repository, scope=scope, known=known or {}, small_steps=small_steps
    )
    try:
        yield from walk.read(start)
    except CursorRefused:
        if not start.checkpoint_token:
            raise
        logger.warning("cursor no longer known; reading from the beginning scope=%s list=%s", scope, listing.connection)
        yield from walk.read(GitHubState())


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """Items that were received. ``absent`` has the reason for each requested item that is missing, by node id."""

    items: list[Item]
    absent: dict[str, str]


def fetch_by_ids(client: GitHubClient, listing: Listing, node_ids: Sequence[str], scope: str) -> Iterator[Details]:
    """Request items by their node ids, and yield them in batches. Missing parts of an item are noted as its shortfall.

    The reason for an absent item is ``not_found``, ``denied`` or ``refused``. ``refused`` means that GitHub refused
    even a query for this item alone.
    """
    waiting, size, tries = list(node_ids), DETAILS, 0
    while waiting:
        batch = waiting[:size]
        try:
            details = _details(client, listing, batch, scope)
        except SliceRefused:
            tries = tries + 1 if size == 1 else 0
            if tries < TRIES_OF_ONE:
                size = max(1, size // 2)
                continue
            details = Details(items=[], absent={batch[0]: "refused"})
        for _ in steps(client, scope, details.items, listing.nested):
            pass
        note_short_lists(details.items, listing.nested)
        yield details
        waiting, tries = waiting[len(batch) :], 0


def fetch_item_behind(
    client: GitHubClient, listing: Listing, repository: str, scope: str, after: str | None
) -> Details:
    """Return the item after a cursor, or the first item if the cursor is None. Used for items with unknown numbers.

    At the end of the list, the result has no item and no reason.
    """
    answer = client.query(listing.query, {"repository": repository, "first": 1, "after": after}, scope=scope)
    edges = _connection(answer, listing.connection).get("edges") or []
    prefix = ("node", listing.connection, "edges", 0, "node")
    item = (edges[0] or {}).get("node") if edges else None
    errors = note_errors({prefix: item}, answer.errors)
    if item is None:
        return Details(items=[], absent={str(after or ""): reason_of(errors[0])} if errors else {})
    for _ in steps(client, scope, [item], listing.nested):
        pass
    note_short_lists([item], listing.nested)
    return Details(items=[item], absent={})


def _details(client: GitHubClient, listing: Listing, batch: Sequence[str], scope: str) -> Details:
    answer = client.query(listing.detail, {"ids": list(batch)}, scope=scope)
    nodes: list[Any] = answer.data.get("nodes") or []
    others = note_errors({("nodes", position): node for position, node in enumerate(nodes)}, answer.errors)
    reasons = {error.path[1]: reason_of(error) for error in others if len(error.path) > 1}
    items = [node for node in nodes if node and node.get("id")]
    shown = {item["id"] for item in items}
    absent = {pk: reasons.get(position, "not_found") for position, pk in enumerate(batch) if pk not in shown}
    return Details(items=items, absent=absent)


@dataclass(kw_only=True)
class _Walk:
    """Reads one list from start to end. ``again`` is the cursor at which the next run starts after a complete walk."""

    client: GitHubClient
    listing: Listing
    repository: str
    scope: str
    known: Known
    small_steps: bool
    again: str = ""

    def read(self, start: IncrementalState) -> Iterator[ItemPage]:
        """Finish the nested lists that an earlier run left open, then read the list to its end."""
        self.again = str(start.extras.get("again", start.checkpoint_token))
        yield from self._continue(start)
        cursor, tries, good, refusals = start.checkpoint_token or None, 0, 0, 0
        size = most = min(FEW, self.listing.size) if self.small_steps else self.listing.size
        growing, expected = self.small_steps, cursor is None
        while True:
            light = bool(size == 1 and tries >= TRIES_OF_ONE and self.listing.light)
            try:
                answer = self._ask(cursor, size, light=light)
                connection = _connection(answer, self.listing.connection)
                refuse_cut(connection, self.listing.connection, expected=expected)
            except (NotFound, AccessDenied):
                refusals += 1
                if refusals == REFUSALS:
                    raise
                continue
            except SliceRefused:
                if light or (size == 1 and tries >= TRIES_OF_ONE):
                    raise
                tries = tries + 1 if size == 1 else 0
                size = most = max(1, size // 2)
                good, growing = 0, False
                continue
            yield from self._page(answer, connection, cursor, size, light=light)
            if not connection["pageInfo"]["hasNextPage"]:
                return
            if connection["pageInfo"]["endCursor"] == cursor:
                raise UnexpectedAnswer(
                    f"GitHub returned the same page of the list {self.listing.connection} twice. Run again later."
                )
            good, expected = good + 1, True
            if growing or good % GROW_AFTER == 0:
                most = min(self.listing.size, most * 2)
            cursor, size, tries = connection["pageInfo"]["endCursor"], most, 0

    def _ask(self, cursor: str | None, size: int, *, light: bool) -> GraphQLAnswer:
        variables = {"repository": self.repository, "first": size, "after": cursor}
        query = self.listing.light if light else self.listing.query
        return self.client.query(query, variables, scope=self.scope)

    def _page(
        self, answer: GraphQLAnswer, connection: Item, after: str | None, size: int, *, light: bool
    ) -> Iterator[ItemPage]:
        """Yield a page with its nested lists, several times if these lists take many queries or are not finished."""
        edges: list[Any] = connection.get("edges") or []
        prefix = ("node", self.listing.connection, "edges")
        nodes = {(*prefix, at, "node"): (edge or {}).get("node") for at, edge in enumerate(edges)}
        errors = note_errors(nodes, answer.errors)
        items = [node for node in nodes.values() if node]
        denied = self._denied(edges, errors, after, size, light=light)
        state, cursor = self._state(edges, connection["pageInfo"], after)
        page = ItemPage(items=[] if light else items, state=state, refused=items if light else [], denied=denied)
        yield from self._finish(page, cursor)

    def _finish(self, page: ItemPage, cursor: str) -> Iterator[ItemPage]:
        """Read the nested lists of a page to their ends, and yield the page. The page ends at ``cursor``.

        Yields an incomplete page every ``SAVE_EVERY`` queries, and before it raises BudgetExhausted or RetryLater.
        """
        spent = 0
        try:
            for _ in steps(self.client, self.scope, page.items, self.listing.nested):
                spent += 1
                if spent % SAVE_EVERY == 0 and not has_open_columns(page.items, self.listing.nested):
                    yield self._partly(page, cursor)
            self._read_again(page.items)
        except (BudgetExhausted, RetryLater):
            note_short_lists(page.items, self.listing.nested)
            yield self._partly(page, cursor)
            raise
        yield page

    def _partly(self, page: ItemPage, cursor: str) -> ItemPage:
        """Return the parts of a page that were read. Its state contains the nested lists that are still open."""
        extras = {
            "again": self.again,
            "pending": unfinished(page.items, self.listing.nested),
            "uncounted": uncounted(page.items),
        }
        return replace(page, state=replace(page.state, checkpoint_token=cursor, extras=extras))

    def _read_again(self, items: list[Item]) -> None:
        """Request incomplete items once more by id, and note on each item the parts that are still missing."""
        note_short_lists(items, self.listing.nested)
        short = {item["id"]: at for at, item in enumerate(items) if self._is_short(item) and not item.get(CONTINUED)}
        if not short or not self.listing.detail:
            return
        for details in fetch_by_ids(self.client, self.listing, list(short), self.scope):
            for item in details.items:
                items[short[item["id"]]] = more_complete(items[short[item["id"]]], item)

    def _is_short(self, item: Item) -> bool:
        """Return whether an item lacks parts that another request may return. Shortfalls in ``known`` do not count."""
        shortfall = item.get(SHORTFALL)
        if not shortfall or shortfall["reason"] != "incomplete":
            return False
        return self.known.get(item["id"]) != shortfall["lists"]

    def _continue(self, start: IncrementalState) -> Iterator[ItemPage]:
        """Finish the nested lists and the counts that an earlier run left open."""
        uncounted_ids = cast("list[str]", start.extras.get("uncounted") or [])
        items = cast("list[Item]", start.extras.get("pending") or [])
        state = GitHubState(
            checkpoint_token=start.checkpoint_token, human_readable_marker=start.human_readable_marker,
            extras={"again": self.again},
        )  # fmt: skip
        for groups, _ in counts_by_id(self.client, self.scope, uncounted_ids):
            uncounted_ids = [node_id for node_id in uncounted_ids if node_id not in groups]
            rest = {"again": self.again, "pending": items, "uncounted": uncounted_ids}
            yield ItemPage(items=[], state=replace(state, extras=rest), reactions=groups)
        if items:
            yield from self._finish(ItemPage(items=items, state=state), start.checkpoint_token)

    def _denied(
        self, edges: Sequence[Any], errors: Sequence[NodeError], start: str | None, size: int, *, light: bool
    ) -> list[Denied]:
        """Return the items that GitHub replaced with an error. A light query often returns their numbers."""
        at = {
            int(error.path[3]): error for error in errors
            if len(error.path) > 3 and error.path[2] == "edges" and isinstance(error.path[3], int)
        }  # fmt: skip
        hidden = {n: error for n, error in at.items() if n < len(edges) and not (edges[n] or {}).get("node")}
        if not hidden:
            return []
        numbers = {} if light or not self.listing.light else self._numbers(start, size)
        denied: list[Denied] = []
        for n, error in sorted(hidden.items()):
            before = [edge["cursor"] for edge in edges[:n] if edge and edge.get("cursor")]
            after = before[-1] if before else start
            name = numbers.get(n) or f"after:{after or 'the beginning'}"[:250]
            denied.append(Denied(external_id=name, reason=reason_of(error), detail=error.message, after=after))
        return denied

    def _numbers(self, cursor: str | None, size: int) -> dict[int, str]:
        """Return the numbers of the items that a light query returns for a page, by position."""
        try:
            edges = _connection(self._ask(cursor, size, light=True), self.listing.connection).get("edges") or []
        except (SliceRefused, NotFound):
            return {}
        return {n: str(edge["node"]["number"]) for n, edge in enumerate(edges) if edge and edge.get("node")}

    def _state(self, edges: Sequence[Any], info: Mapping[str, Any], after: str | None) -> tuple[GitHubState, str]:
        """Return the state after a page, and the last cursor of the page.

        Moves ``again`` to the last item that was older than ``OVERLAP``.
        """
        shown = [edge for edge in edges if edge and edge.get("node") and edge.get("cursor")]
        settled = (self.client.server_time or datetime.now(UTC)) - OVERLAP
        old = [edge["cursor"] for edge in shown if _changed_before(edge["node"], settled)]
        last = shown[-1]["cursor"] if shown else after or ""
        cursor = str(info.get("endCursor") or last)
        if old:
            self.again = cursor if old[-1] == last else old[-1]
        marker = f"changes up to {shown[-1]['node'].get('updatedAt')}" if shown else ""
        if not info.get("hasNextPage"):  # the list is complete; the next run starts a little earlier
            return GitHubState(checkpoint_token=self.again, human_readable_marker=marker), cursor
        extras = {"again": self.again}
        return GitHubState(checkpoint_token=cursor, human_readable_marker=marker, extras=extras), cursor


def _changed_before(node: Mapping[str, Any], moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(node.get("updatedAt"))) < moment
    except ValueError:
        return False


def _connection(answer: GraphQLAnswer, name: str) -> dict[str, Any]:
    """Return the connection of a response.

    If the connection is missing, raises the error of the response, else NotFound. Raises SliceRefused for a connection
    without a list of edges.
    """
    connection = (answer.data.get("node") or {}).get(name)
    if isinstance(connection, dict) and isinstance(cast("Item", connection).get("edges"), list):
        return cast("Item", connection)
    if answer.errors:
        error = answer.errors[0]
        raise graphql_error({"type": error.kind, "message": error.message})
    if connection:
        raise SliceRefused(f"GitHub's GraphQL returned {name} without items")
    raise NotFound(f"GitHub returned no {name} of this repository", reason="not_found")
