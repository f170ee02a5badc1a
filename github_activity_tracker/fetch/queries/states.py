"""States that only GraphQL shows: hidden comments and resolved review threads."""

from github_activity_tracker.fetch.queries.threads import HIDDEN, PAGE

KINDS = ("IssueComment", "PullRequestReviewComment", "CommitComment")
HIDDEN_BY_ID = (
    "query ($ids: [ID!]!) { nodes(ids: $ids) { id "
    + " ".join(f"... on {kind} {{ {HIDDEN}}}" for kind in KINDS)
    + " } rateLimit { cost } }"
)
REVIEW_THREADS = (
    "reviewThreads(first: %d%s) { totalCount "
    + PAGE
    + " nodes { id isResolved resolvedBy { ...Account } comments(first: 1) { totalCount nodes { fullDatabaseId } } } }"
)
"""Takes its size and, where it is continued, ``, after: "..."``."""
