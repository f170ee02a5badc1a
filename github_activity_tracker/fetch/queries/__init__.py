"""GraphQL texts: https://docs.github.com/en/graphql/reference/objects. Every connection says how much it wants."""

from github_activity_tracker.fetch.queries.discussions import (
    DISCUSSION,
    DISCUSSIONS,
    REPLIES,
    TALK,
    TOTALS_OF_DISCUSSIONS,
)
from github_activity_tracker.fetch.queries.events import EVENTS
from github_activity_tracker.fetch.queries.repositories import REPOSITORY
from github_activity_tracker.fetch.queries.threads import (
    ISSUE,
    ISSUES,
    LIGHT_ISSUES,
    LIGHT_PULLS,
    PULL,
    PULLS,
    REVIEWS,
    TIMELINE,
    TOTALS_OF_ISSUES,
    TOTALS_OF_PULLS,
)

__all__ = [
    "DISCUSSION",
    "DISCUSSIONS",
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
    "TALK",
    "TIMELINE",
    "TOTALS_OF_DISCUSSIONS",
    "TOTALS_OF_ISSUES",
    "TOTALS_OF_PULLS",
]
