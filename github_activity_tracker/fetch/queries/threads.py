"""Issues and pull requests with what only GraphQL tells: reviews, timelines, merges."""

from github_activity_tracker.fetch.queries.events import ACTOR, EVENTS, REVIEWER

REACTED = "reactionGroups { content createdAt }"
"""Which kinds of reactions there are: those without any have no time. Unlike their numbers this costs no points."""
HIDDEN = "isMinimized minimizedReason "
"""Whether people who may write hid a comment or review. This costs no points."""
PAGE = "pageInfo { hasNextPage endCursor }"
REVIEW = (
    "id fullDatabaseId body state url createdAt updatedAt submittedAt authorAssociation commit { oid } "
    "author { ...Account } " + HIDDEN + REACTED
)
REVIEWS = "reviews(first: %d%s) { totalCount " + PAGE + " nodes { " + REVIEW + " } }"
TIMELINE = {
    "Issue": "timelineItems(first: %d%s) { totalCount " + PAGE + " nodes { ...IssueEvent } }",
    "PullRequest": "timelineItems(first: %d%s) { totalCount " + PAGE + " nodes { ...PullEvent } }",
}
"""Connections take their size and, where they are continued, ``, after: "..."``."""

REVIEW_REQUESTS = (
    "reviewRequests(first: %d%s) { totalCount " + PAGE + " nodes { requestedReviewer { " + REVIEWER + " } } }"
)
CLOSING_REFERENCES = (
    "closingIssuesReferences(first: %d%s) { totalCount " + PAGE + " nodes { number repository { databaseId } } }"
)

ISSUE = f"id number url updatedAt {TIMELINE['Issue'] % (100, '')}"
PULL = f"""
  id number url fullDatabaseId updatedAt isDraft mergedAt mergedBy {{ ...Account }} mergeCommit {{ oid }}
  headRefName headRefOid headRepository {{ nameWithOwner }} baseRefName baseRefOid
  additions deletions changedFiles reviewDecision
  {REVIEW_REQUESTS % (100, "")}
  {CLOSING_REFERENCES % (100, "")}
  {REVIEWS % (50, "")}
  {TIMELINE["PullRequest"] % (100, "")}
"""
LIGHT = "id number url updatedAt"


def _listing(connection: str, fields: str, fragments: str) -> str:
    return f"""
query ($repository: ID!, $first: Int!, $after: String) {{
  node(id: $repository) {{ ... on Repository {{
    {connection}(first: $first, after: $after, orderBy: {{field: UPDATED_AT, direction: ASC}}) {{
      totalCount {PAGE} edges {{ cursor node {{ {fields} }} }}
    }}
  }} }}
  rateLimit {{ cost }}
}}
{fragments}"""


ISSUES = _listing("issues", ISSUE, EVENTS["Issue"] + ACTOR)
PULLS = _listing("pullRequests", PULL, EVENTS["PullRequest"] + ACTOR)
LIGHT_ISSUES, LIGHT_PULLS = _listing("issues", LIGHT, ""), _listing("pullRequests", LIGHT, "")
"""The same places of the same lists, for walking past what GitHub cannot show."""

_POSTS = {
    "issues": "ISSUE_COMMENT",
    "pullRequests": "ISSUE_COMMENT, PULL_REQUEST_REVIEW, PULL_REQUEST_REVIEW_THREAD, "
    "PULL_REQUEST_COMMIT_COMMENT_THREAD, PULL_REQUEST_REVISION_MARKER",
}
"""Entries of timelines that are no events; ``convert.events.TOLD_ELSEWHERE`` has the types of these names."""


def _totals(connection: str, more: str = "") -> str:
    posts = f"posts: timelineItems(first: 1, itemTypes: [{_POSTS[connection]}]) {{ totalCount }}"
    fields = "id number createdAt updatedAt comments(first: 1) { totalCount } timelineItems(first: 1) { totalCount }"
    return _listing(connection, f"{fields} {posts} {more}", "").replace("UPDATED_AT", "CREATED_AT")


TOTALS_OF_ISSUES = _totals("issues")
TOTALS_OF_PULLS = _totals("pullRequests", "totalCommentsCount reviews(first: 1) { totalCount }")
