"""Issues, pull requests and discussions as GraphQL tells them."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch import queries
from github_activity_tracker.fetch.listing import Details, ItemPage, Known, Listing, by_ids, item_behind, pages
from github_activity_tracker.fetch.overflow import Nested
from github_activity_tracker.fetch.queries.events import ACTOR

ISSUE_TIMELINE = Nested(
    name="timelineItems", query=queries.TIMELINE["Issue"], of="Issue", fragments=queries.EVENTS["Issue"] + ACTOR
)
PULL_TIMELINE = Nested(
    name="timelineItems",
    query=queries.TIMELINE["PullRequest"],
    of="PullRequest",
    fragments=queries.EVENTS["PullRequest"] + ACTOR,
)
REVIEWS = Nested(name="reviews", query=queries.REVIEWS, of="PullRequest", fragments=ACTOR)
REPLIES = Nested(name="replies", query=queries.REPLIES, of="DiscussionComment", fragments=ACTOR)
REVIEW_REQUESTS = Nested(
    name="reviewRequests", query=queries.REVIEW_REQUESTS, of="PullRequest", fragments="", is_column=True
)
CLOSING_REFERENCES = Nested(
    name="closingIssuesReferences", query=queries.CLOSING_REFERENCES, of="PullRequest", fragments="", is_column=True
)
LABELS = Nested(name="labels", query=queries.DISCUSSION_LABELS, of="Discussion", fragments="", is_column=True)
TALK = Nested(name="comments", query=queries.TALK, of="Discussion", fragments=ACTOR, size=50, inner=REPLIES)

DETAIL = {
    "issue_timelines": ("Issue", queries.ISSUE, queries.EVENTS["Issue"] + ACTOR),
    "pulls": ("PullRequest", queries.PULL, queries.EVENTS["PullRequest"] + ACTOR),
    "discussions": ("Discussion", queries.DISCUSSION, ACTOR),
}


def _by_ids(stream: str) -> str:
    kind, fields, fragments = DETAIL[stream]
    wanted = f"nodes(ids: $ids) {{ ... on {kind} {{ {fields} }} }} rateLimit {{ cost }}"
    return f"query ($ids: [ID!]!) {{ {wanted} }}\n{fragments}"


LISTINGS = {
    "issue_timelines": Listing(
        connection="issues", query=queries.ISSUES, light=queries.LIGHT_ISSUES, nested=[ISSUE_TIMELINE], size=100,
        detail=_by_ids("issue_timelines"),
    ),
    "pulls": Listing(
        connection="pullRequests", query=queries.PULLS, light=queries.LIGHT_PULLS,
        nested=[REVIEW_REQUESTS, CLOSING_REFERENCES, REVIEWS, PULL_TIMELINE], size=50, detail=_by_ids("pulls"),
    ),
    "discussions": Listing(
        connection="discussions", query=queries.DISCUSSIONS, light="", nested=[LABELS, TALK], size=25,
        detail=_by_ids("discussions"),
    ),
}  # fmt: skip


def thread_pages(
    client: GitHubClient, stream: str, repository: str, scope: str, start: IncrementalState,
    known: Known | None = None, *, small_steps: bool = False,
) -> Iterator[ItemPage]:  # fmt: skip
    """Yield pages of a GraphQL stream; ``repository`` is its node id.

    ``known``: by node id, the lists that are known to be shorter than their totals; they are not asked for again.
    ``small_steps``: the first pages have few items.
    """
    return pages(client, LISTINGS[stream], repository, scope, start, known, small_steps=small_steps)


def thread_details(client: GitHubClient, stream: str, node_ids: Sequence[str], scope: str) -> Iterator[Details]:
    """Yield the same items by their node ids, some at a time, with reasons for those that GitHub does not show."""
    return by_ids(client, LISTINGS[stream], node_ids, scope)


def thread_behind(client: GitHubClient, stream: str, repository: str, scope: str, after: str | None) -> Details:
    """Return the item behind a cursor of a GraphQL stream; None is the beginning."""
    return item_behind(client, LISTINGS[stream], repository, scope, after)


def threads_by_id(client: GitHubClient, stream: str, node_ids: Sequence[str], scope: str) -> Iterator[list[Any]]:
    """Yield the same items alone; those that GitHub does not show are left out."""
    for details in thread_details(client, stream, node_ids, scope):
        yield details.items
