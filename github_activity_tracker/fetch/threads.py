"""Requests for issues, pull requests and discussions over GraphQL.

They are requested page by page, by node id, by number, or by the cursor of the preceding item.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import NotFound
from core.operations.github_ops.answers import graphql_error
from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch.graphql import (
    Details,
    ItemPage,
    Known,
    Listing,
    fetch_by_ids,
    fetch_item_behind,
    pages,
)
from github_activity_tracker.fetch.nested import Nested, complete, note_errors, note_short_lists
from github_activity_tracker.fetch.queries import (
    ACTOR,
    CLOSING_REFERENCES,
    COMMENTS,
    DISCUSSION,
    DISCUSSION_LABELS,
    DISCUSSIONS,
    EVENTS,
    ISSUE,
    ISSUES,
    LIGHT_ISSUES,
    LIGHT_PULLS,
    PULL,
    PULLS,
    REPLIES,
    REVIEW_REQUESTS,
    REVIEWS,
    TIMELINE,
)

ISSUE_TIMELINE = Nested(name="timelineItems", query=TIMELINE["Issue"], of="Issue", fragments=EVENTS["Issue"] + ACTOR)
PULL_TIMELINE = Nested(
    name="timelineItems",
    query=TIMELINE["PullRequest"],
    of="PullRequest",
    fragments=EVENTS["PullRequest"] + ACTOR,
)
NESTED_REVIEWS = Nested(name="reviews", query=REVIEWS, of="PullRequest", fragments=ACTOR)
NESTED_REPLIES = Nested(name="replies", query=REPLIES, of="DiscussionComment", fragments=ACTOR)
NESTED_REVIEW_REQUESTS = Nested(
    name="reviewRequests", query=REVIEW_REQUESTS, of="PullRequest", fragments="", is_column=True
)
NESTED_CLOSING_REFERENCES = Nested(
    name="closingIssuesReferences", query=CLOSING_REFERENCES, of="PullRequest", fragments="", is_column=True
)
NESTED_LABELS = Nested(name="labels", query=DISCUSSION_LABELS, of="Discussion", fragments="", is_column=True)
NESTED_COMMENTS = Nested(
    name="comments", query=COMMENTS, of="Discussion", fragments=ACTOR, size=50, inner=NESTED_REPLIES
)

DETAIL = {
    "issue_timelines": ("Issue", ISSUE, EVENTS["Issue"] + ACTOR),
    "pulls": ("PullRequest", PULL, EVENTS["PullRequest"] + ACTOR),
    "discussions": ("Discussion", DISCUSSION, ACTOR),
}
"""The GraphQL type of the items of each stream, their fields, and the fragments that the fields use."""


def _by_ids(stream: str) -> str:
    kind, fields, fragments = DETAIL[stream]
    selection = f"nodes(ids: $ids) {{ ... on {kind} {{ {fields} }} }} rateLimit {{ cost }}"
    return f"query ($ids: [ID!]!) {{ {selection} }}\n{fragments}"


LISTINGS = {
    "issue_timelines": Listing(
        connection="issues", query=ISSUES, light=LIGHT_ISSUES, nested=[ISSUE_TIMELINE], size=100,
        detail=_by_ids("issue_timelines"),
    ),
    "pulls": Listing(
        connection="pullRequests", query=PULLS, light=LIGHT_PULLS,
        nested=[NESTED_REVIEW_REQUESTS, NESTED_CLOSING_REFERENCES, NESTED_REVIEWS, PULL_TIMELINE], size=50,
        detail=_by_ids("pulls"),
    ),
    "discussions": Listing(
        connection="discussions", query=DISCUSSIONS, light="", nested=[NESTED_LABELS, NESTED_COMMENTS], size=25,
        detail=_by_ids("discussions"),
    ),
}  # fmt: skip


def thread_pages(
    client: GitHubClient, stream: str, repository: str, scope: str, start: IncrementalState,
    known: Known | None = None, *, small_steps: bool = False,
) -> Iterator[ItemPage]:  # fmt: skip
    """Yield pages of a GraphQL stream. ``repository`` is the node id of the repository.

    ``known`` contains the nested lists that GitHub is known to return incompletely, by node id of the item. Their
    missing entries are not requested again. With ``small_steps``, the first pages have few items.
    """
    return pages(client, LISTINGS[stream], repository, scope, start, known, small_steps=small_steps)


def fetch_thread_details(client: GitHubClient, stream: str, node_ids: Sequence[str], scope: str) -> Iterator[Details]:
    """Request items of a GraphQL stream by their node ids. Yield batches with a reason for each missing item."""
    return fetch_by_ids(client, LISTINGS[stream], node_ids, scope)


def fetch_thread_behind(client: GitHubClient, stream: str, repository: str, scope: str, after: str | None) -> Details:
    """Return the first item after a cursor of a GraphQL stream. Without a cursor, return the first item of the list."""
    return fetch_item_behind(client, LISTINGS[stream], repository, scope, after)


def fetch_threads(client: GitHubClient, stream: str, node_ids: Sequence[str], scope: str) -> Iterator[list[Any]]:
    """Request items of a GraphQL stream by their node ids, and yield them in batches. Missing items are omitted."""
    for details in fetch_thread_details(client, stream, node_ids, scope):
        yield details.items


def fetch_thread(client: GitHubClient, repository: str, stream: str, external_id: str, scope: str) -> Any:
    """Return an issue, pull request or discussion. ``external_id`` has its number (``pulls:12``), or is its node id.

    Missing parts are noted as the shortfall of the item. Raises NotFound if GitHub does not have the item, AccessDenied
    if GitHub denies access to it, and SliceRefused if GitHub fails to return it for another reason.
    """
    kind, fields, fragments = DETAIL[stream]
    number = external_id.rpartition(":")[2]
    if number.isdigit():
        inner = f"{kind[0].lower()}{kind[1:]}(number: {number}) {{ {fields} }}"
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on Repository {{ item: {inner} }} }} }}\n{fragments}"
        answer = client.query(text, {"id": repository}, scope=scope)
        path: tuple[str | int, ...] = ("node", "item")
        item = (answer.data.get("node") or {}).get("item")
    else:
        text = f"query ($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}\n{fragments}"
        answer = client.query(text, {"id": external_id}, scope=scope)
        path, item = ("node",), answer.data.get("node")
    errors = note_errors({path: item}, answer.errors)
    if not item and errors:
        raise graphql_error({"type": errors[0].kind, "message": errors[0].message})
    if not item:
        raise NotFound(f"GitHub returned no {stream} {external_id}", reason="not_found")
    complete(client, scope, [item], LISTINGS[stream].nested)
    note_short_lists([item], LISTINGS[stream].nested)
    return item
