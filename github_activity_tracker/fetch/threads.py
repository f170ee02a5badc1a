"""Issues, pull requests and discussions as GraphQL tells them."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.operations.github_ops.client import GitHubClient
from core.protocols import IncrementalState
from github_activity_tracker.fetch import queries
from github_activity_tracker.fetch.listing import ItemPage, Listing, pages
from github_activity_tracker.fetch.overflow import Nested, complete
from github_activity_tracker.fetch.queries.events import ACTOR

DETAILS = 25
"""Items that are asked for by their ids in one query."""

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
TALK = Nested(name="comments", query=queries.TALK, of="Discussion", fragments=ACTOR, size=50, inner=REPLIES)

LISTINGS = {
    "issue_timelines": Listing(
        connection="issues", query=queries.ISSUES, light=queries.LIGHT_ISSUES, nested=[ISSUE_TIMELINE], size=100
    ),
    "pulls": Listing(
        connection="pullRequests",
        query=queries.PULLS,
        light=queries.LIGHT_PULLS,
        nested=[REVIEWS, PULL_TIMELINE],
        size=50,
    ),
    "discussions": Listing(connection="discussions", query=queries.DISCUSSIONS, light="", nested=[TALK], size=25),
}


def thread_pages(
    client: GitHubClient, stream: str, repository: str, scope: str, start: IncrementalState
) -> Iterator[ItemPage]:
    """Pages of a GraphQL stream; ``repository`` is its node id."""
    return pages(client, LISTINGS[stream], repository, scope, start)


DETAIL = {
    "issue_timelines": ("Issue", queries.ISSUE, queries.EVENTS["Issue"] + ACTOR),
    "pulls": ("PullRequest", queries.PULL, queries.EVENTS["PullRequest"] + ACTOR),
    "discussions": ("Discussion", queries.DISCUSSION, ACTOR),
}


def threads_by_id(client: GitHubClient, stream: str, node_ids: Sequence[str], scope: str) -> Iterator[list[Any]]:
    """The same items by their node ids, some at a time; those that are gone are left out."""
    kind, fields, fragments = DETAIL[stream]
    wanted = f"nodes(ids: $ids) {{ ... on {kind} {{ {fields} }} }} rateLimit {{ cost }}"
    text = f"query ($ids: [ID!]!) {{ {wanted} }}\n{fragments}"
    for start in range(0, len(node_ids), DETAILS):
        some = list(node_ids[start : start + DETAILS])
        data = client.graphql(text, {"ids": some}, scope=scope, absent=("NOT_FOUND",))
        items = [node for node in data["nodes"] if node and node.get("id")]
        complete(client, scope, items, LISTINGS[stream].nested)
        yield items
