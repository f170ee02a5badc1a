"""GraphQL texts: https://docs.github.com/en/graphql/reference/objects. Every connection says how much it wants."""

from github_activity_tracker.fetch.queries.discussions import (
    DISCUSSION,
    DISCUSSION_LABELS,
    DISCUSSIONS,
    REPLIES,
    TALK,
    TOTALS_OF_DISCUSSIONS,
)
from github_activity_tracker.fetch.queries.events import EVENTS
from github_activity_tracker.fetch.queries.repositories import REPOSITORY
from github_activity_tracker.fetch.queries.threads import (
    CLOSING_REFERENCES,
    ISSUE,
    ISSUES,
    LIGHT_ISSUES,
    LIGHT_PULLS,
    PULL,
    PULLS,
    REVIEW_REQUESTS,
    REVIEWS,
    TIMELINE,
    TOTALS_OF_ISSUES,
    TOTALS_OF_PULLS,
)

__all__ = [
    "CLOSING_REFERENCES",
    "DISCUSSION",
    "DISCUSSIONS",
    "DISCUSSION_LABELS",
    "EVENTS",
    "ISSUE",
    "ISSUES",
    "LIGHT_ISSUES",
    "LIGHT_PULLS",
    "PULL",
    "PULLS",
    "REPLIES",
    "REPOSITORY",
    "REVIEWS",
    "REVIEW_REQUESTS",
    "TALK",
    "TIMELINE",
    "TOTALS_OF_DISCUSSIONS",
    "TOTALS_OF_ISSUES",
    "TOTALS_OF_PULLS",
]
