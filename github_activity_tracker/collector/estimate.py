"""Estimates the cost of reading a repository, based on its totals.

One request reads 100 items of a REST list, 100 timelines, 50 pull requests or 25 discussions. Long nested lists need
more requests.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from core.collectors.estimate import Estimate
from github_activity_tracker.fetch.rest import count_items

SECONDS_PER_REQUEST = 0.6
"""Average seconds per request. GitHub needs about 0.5 s for a page of 100 items; conversion and storage need the rest.
"""
IMPOSSIBLE_ANONYMOUSLY = (
    "without a token pull requests, reviews, timelines and discussions can neither be counted nor collected:"
    " set GITHUB_TOKENS"
)
"""Note on an estimate without a token. GraphQL requires a token.

https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
"""
OVERHEAD = 10
"""Estimated number of requests for the facts, short lists and checks of one repository."""
PER_HOUR = 5000
"""Number of REST requests, and also of GraphQL points, that GitHub allows per token and hour."""


def estimate(client: Any, full_name: str, facts: Mapping[str, Any] | None, *, unchanged: bool) -> Estimate:
    """Return the estimated cost of reading the whole repository.

    The estimate sends two requests that count comments. Without facts, it sends a third request that counts issues. For
    an unchanged repository, it sends no request and returns the cost of the check for changes.
    """
    if unchanged:
        return Estimate(scope=full_name, requests=2, points=1, seconds=2, note="nothing changed since the last run")
    totals = facts or {}
    issues = (totals.get("issues") or {}).get("totalCount") or 0
    pulls = (totals.get("pullRequests") or {}).get("totalCount") or 0
    discussions = (totals.get("discussions") or {}).get("totalCount") or 0
    comments = count_items(client, full_name, "issues/comments")
    review_comments = count_items(client, full_name, "pulls/comments")
    if facts is None:
        issues = count_items(client, full_name, "issues")
    rest = ceil((issues + pulls) / 100) + ceil(comments / 100) + ceil(review_comments / 100)
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
            "issues": issues, "pull_requests": pulls, "comments": comments, "review_comments": review_comments,
            "discussions": discussions,
        },
        note="" if client.tokens.has_tokens else IMPOSSIBLE_ANONYMOUSLY,
    )  # fmt: skip
