"""What a repository would cost, out of its totals.

The measure is one page each: 100 of the REST lists, 50 pull requests, 100 timelines, and what overflows.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from core.collectors.estimate import Estimate
from github_activity_tracker import fetch

SECONDS_PER_REQUEST = 0.6
"""A page of a hundred items takes GitHub about half a second, and us a little."""
IMPOSSIBLE_ANONYMOUSLY = (
    "without a token pull requests, reviews, timelines and discussions can neither be counted nor collected:"
    " set GITHUB_TOKENS"
)
"""GitHub answers GraphQL with a token only: https://docs.github.com/en/graphql/guides/forming-calls-with-graphql."""
OVERHEAD = 10
PER_HOUR = 5000


def estimate(client: Any, full_name: str, facts: Mapping[str, Any] | None, *, is_quiet: bool) -> Estimate:
    """The cost of reading everything; two requests are spent to learn it."""
    if is_quiet:
        return Estimate(scope=full_name, requests=2, points=1, seconds=2, note="nothing changed since the last run")
    told = facts or {}
    issues = (told.get("issues") or {}).get("totalCount") or 0
    pulls = (told.get("pullRequests") or {}).get("totalCount") or 0
    discussions = (told.get("discussions") or {}).get("totalCount") or 0
    comments = fetch.how_many(client, full_name, "issues/comments")
    remarks = fetch.how_many(client, full_name, "pulls/comments")
    if facts is None:
        issues = fetch.how_many(client, full_name, "issues")
    rest = ceil((issues + pulls) / 100) + ceil(comments / 100) + ceil(remarks / 100)
    graphql = ceil(pulls / 50) + ceil(issues / 100) + ceil(discussions / 25)
    requests = rest + graphql + ceil(graphql / 3) + OVERHEAD
    points = ceil(pulls / 50) * 3 + ceil(issues / 100) * 2 + ceil(discussions / 25) * 8 + 5
    hours_to_wait = max(rest // PER_HOUR, points // PER_HOUR)
    return Estimate(
        scope=full_name,
        requests=requests,
        points=points if facts is not None else 0,
        seconds=requests * SECONDS_PER_REQUEST + 3600 * hours_to_wait,
        items={
            "issues": issues, "pull_requests": pulls, "comments": comments, "review_comments": remarks,
            "discussions": discussions,
        },
        note="" if client.tokens.has_tokens else IMPOSSIBLE_ANONYMOUSLY,
    )  # fmt: skip
