"""Texts of the GraphQL queries. Every connection has an explicit size.

https://docs.github.com/en/graphql/reference/objects
https://docs.github.com/en/graphql/reference/unions#pullrequesttimelineitems
https://docs.github.com/en/graphql/reference/unions#issuetimelineitems
"""

ACTOR = """
fragment Account on Actor {
  __typename login avatarUrl ... on Node { id }
  ... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId }
}
"""
"""Fields of an account. No field of Organization is selected.

GitHub refuses the whole query if it selects such a field and the token lacks ``read:org``. The numeric id of an
organisation is also in its ``avatarUrl``.
"""
_USERS = "... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId }"
ASSIGNEE = f"__typename ... on Node {{ id }} ... on Actor {{ login avatarUrl }} {_USERS}"
REVIEWER = f"{ASSIGNEE} ... on Team {{ slug }}"
"""Fields of a requested reviewer.

Before a query is sent, the ``slug`` of a team is removed unless the token is known to have ``read:org``. The node id of
a team needs no scope.
"""
ITEM = "number title repository { nameWithOwner databaseId }"
SUBJECT = f"__typename ... on Issue {{ {ITEM} }} ... on PullRequest {{ {ITEM} }}"
_PROJECT = "project { name }"

FIELDS = {
    "AddedToMergeQueueEvent": "",
    "AddedToProjectEvent": "",
    "AssignedEvent": f"assignee {{ {ASSIGNEE} }}",
    "AutoMergeDisabledEvent": "reason",
    "AutoMergeEnabledEvent": "",
    "AutoRebaseEnabledEvent": "",
    "AutoSquashEnabledEvent": "",
    "AutomaticBaseChangeFailedEvent": "newBase oldBase",
    "AutomaticBaseChangeSucceededEvent": "newBase oldBase",
    "BaseRefChangedEvent": "currentRefName previousRefName",
    "BaseRefDeletedEvent": "baseRefName",
    "BaseRefForcePushedEvent": "beforeCommit { oid } afterCommit { oid }",
    "ClosedEvent": f"stateReason closer {{ __typename ... on Commit {{ oid }} ... on PullRequest {{ {ITEM} }} }}",
    "CommentDeletedEvent": "deletedCommentAuthor { login }",
    "ConnectedEvent": f"source {{ {SUBJECT} }}",
    "ConvertToDraftEvent": "",
    "ConvertedNoteToIssueEvent": "",
    "ConvertedToDiscussionEvent": "discussion { number }",
    "CrossReferencedEvent": f"willCloseTarget source {{ {SUBJECT} }}",
    "DemilestonedEvent": "milestoneTitle",
    "DeployedEvent": "",
    "DeploymentEnvironmentChangedEvent": "",
    "DisconnectedEvent": f"source {{ {SUBJECT} }}",
    "HeadRefDeletedEvent": "headRefName",
    "HeadRefForcePushedEvent": "beforeCommit { oid } afterCommit { oid }",
    "HeadRefRestoredEvent": "",
    "LabeledEvent": "label { name }",
    "LockedEvent": "lockReason",
    "MarkedAsDuplicateEvent": "",
    "MentionedEvent": "",
    "MergedEvent": "mergeRefName commit { oid }",
    "MilestonedEvent": "milestoneTitle",
    "MovedColumnsInProjectEvent": "",
    "ParentIssueAddedEvent": "parent { number }",
    "ParentIssueRemovedEvent": "parent { number }",
    "PinnedEvent": "",
    "ReadyForReviewEvent": "",
    "ReferencedEvent": "isDirectReference commit { oid } commitRepository { nameWithOwner }",
    "RemovedFromMergeQueueEvent": "reason",
    "RemovedFromProjectEvent": "",
    "RenamedTitleEvent": "previousTitle currentTitle",
    "ReopenedEvent": "stateReason",
    "ReviewDismissedEvent": "dismissalMessage previousReviewState review { fullDatabaseId }",
    "ReviewRequestRemovedEvent": f"requestedReviewer {{ {REVIEWER} }}",
    "ReviewRequestedEvent": f"requestedReviewer {{ {REVIEWER} }}",
    "SubIssueAddedEvent": "subIssue { number }",
    "SubIssueRemovedEvent": "subIssue { number }",
    "SubscribedEvent": "",
    "TransferredEvent": "fromRepository { nameWithOwner databaseId }",
    "UnassignedEvent": f"assignee {{ {ASSIGNEE} }}",
    "UnlabeledEvent": "label { name }",
    "UnlockedEvent": "",
    "UnmarkedAsDuplicateEvent": "",
    "UnpinnedEvent": "",
    "UnsubscribedEvent": "",
    "UserBlockedEvent": "blockDuration",
}
"""Fields of each kind of timeline event in addition to its time and actor.

The fields of other kinds are taken from the schema of the server.
"""

PULL_ONLY = {
    "AddedToMergeQueueEvent", "AutoMergeDisabledEvent", "AutoMergeEnabledEvent", "AutoRebaseEnabledEvent",
    "AutoSquashEnabledEvent", "AutomaticBaseChangeFailedEvent", "AutomaticBaseChangeSucceededEvent",
    "BaseRefChangedEvent", "BaseRefDeletedEvent", "BaseRefForcePushedEvent", "ConvertToDraftEvent", "DeployedEvent",
    "DeploymentEnvironmentChangedEvent", "HeadRefDeletedEvent", "HeadRefForcePushedEvent", "HeadRefRestoredEvent",
    "MergedEvent", "ReadyForReviewEvent", "RemovedFromMergeQueueEvent", "ReviewDismissedEvent",
    "ReviewRequestRemovedEvent", "ReviewRequestedEvent",
}  # fmt: skip
"""Kinds of events that only pull requests have. GitHub refuses a query that selects them in the timeline of an issue.
"""

COMMIT = """
  ... on PullRequestCommit {
    pushed: commit { oid committedDate author { name user { __typename login id databaseId } } }
  }"""


def selection(kind: str) -> str:
    """Return the inline fragment for an event kind in ``FIELDS``."""
    return f"... on {kind} {{ createdAt actor {{ ...Account }} {FIELDS[kind]} }}"


def _fragment(name: str, union: str, kinds: list[str], more: str = "") -> str:
    parts = "\n  ".join(selection(kind) for kind in kinds)
    return f"fragment {name} on {union} {{\n  __typename ... on Node {{ id }}\n  {parts} {more}\n}}\n"


EVENTS = {
    "Issue": _fragment("IssueEvent", "IssueTimelineItems", [kind for kind in FIELDS if kind not in PULL_ONLY]),
    "PullRequest": _fragment("PullEvent", "PullRequestTimelineItems", list(FIELDS), COMMIT),
}


REACTED = "reactionGroups { content createdAt }"
"""Selection of the kinds of reactions. A kind without reactions has no ``createdAt``.

Unlike a selection of counts, this selection costs no points.
"""
HIDDEN = "isMinimized minimizedReason "
"""Selection that shows whether a person with write access has hidden a comment or review. It costs no points."""
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
"""Templates of the timeline connections by type of item, with placeholders for the page size and the cursor argument.

The cursor argument is ``, after: "..."``, or empty for the first page.
"""

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
"""Queries for the same lists without nested connections. They identify items that GitHub cannot return in full."""

_POSTS = {
    "issues": "ISSUE_COMMENT",
    "pullRequests": "ISSUE_COMMENT, PULL_REQUEST_REVIEW, PULL_REQUEST_REVIEW_THREAD, "
    "PULL_REQUEST_COMMIT_COMMENT_THREAD, PULL_REQUEST_REVISION_MARKER",
}
"""Values of ``itemTypes`` for entries that are not events. ``payloads.NOT_EVENTS`` has the types of these entries."""


def _totals(connection: str, more: str = "") -> str:
    posts = f"posts: timelineItems(first: 1, itemTypes: [{_POSTS[connection]}]) {{ totalCount }}"
    fields = "id number createdAt updatedAt comments(first: 1) { totalCount } timelineItems(first: 1) { totalCount }"
    return _listing(connection, f"{fields} {posts} {more}", "").replace("UPDATED_AT", "CREATED_AT")


TOTALS_OF_ISSUES = _totals("issues")
TOTALS_OF_PULLS = _totals("pullRequests", "totalCommentsCount reviews(first: 1) { totalCount }")


POST = (
    "id databaseId body url createdAt updatedAt authorAssociation author { ...Account } "
    "isAnswer upvoteCount replyTo { databaseId } " + HIDDEN + REACTED
)
REPLIES = "replies(first: %d%s) { totalCount " + PAGE + " nodes { " + POST + " } }"
COMMENTS = "comments(first: %d%s) { totalCount " + PAGE + " nodes { " + POST + " " + REPLIES % (20, "") + " } }"
DISCUSSION_LABELS = "labels(first: %d%s) { totalCount " + PAGE + " nodes { name } }"
DISCUSSION = (
    "id databaseId number title body url createdAt updatedAt closedAt locked stateReason authorAssociation "
    "author { ...Account } category { name } answer { databaseId } upvoteCount "
    + DISCUSSION_LABELS % (50, "")
    + " "
    + REACTED
    + " "
    + COMMENTS % (30, "")
)
DISCUSSIONS = f"""
query ($repository: ID!, $first: Int!, $after: String) {{
  node(id: $repository) {{ ... on Repository {{
    discussions(first: $first, after: $after, orderBy: {{field: UPDATED_AT, direction: ASC}}) {{
      totalCount {PAGE} edges {{ cursor node {{ {DISCUSSION} }} }}
    }}
  }} }}
  rateLimit {{ cost }}
}}
{ACTOR}"""
TOTALS_OF_DISCUSSIONS = f"""
query ($repository: ID!, $first: Int!, $after: String) {{
  node(id: $repository) {{ ... on Repository {{
    discussions(first: $first, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      totalCount {PAGE} edges {{ cursor node {{
        id number createdAt updatedAt
        comments(first: 100) {{ totalCount nodes {{ databaseId replies(first: 1) {{ totalCount }} }} }}
      }} }}
    }}
  }} }}
  rateLimit {{ cost }}
}}"""
"""Query for the number of comments and replies of each discussion.

Replies are counted only for the first hundred comments, because GitHub returns at most a hundred nodes per page.
"""


_LATEST = "(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount nodes { id updatedAt } }"
REPOSITORY = f"""
fragment Facts on Repository {{
  id databaseId nameWithOwner url description createdAt updatedAt pushedAt
  isArchived isDisabled isFork isPrivate hasDiscussionsEnabled stargazerCount forkCount
  homepageUrl visibility mirrorUrl isTemplate hasIssuesEnabled hasProjectsEnabled hasWikiEnabled
  licenseInfo {{ spdxId key name }} parent {{ databaseId nameWithOwner isFork }}
  commitComments(last: 1) {{ totalCount nodes {{ id updatedAt }} }}
  owner {{ __typename login ...Account }}
  watchers(first: 1) {{ totalCount }}
  primaryLanguage {{ name }}
  repositoryTopics(first: 20) {{ totalCount nodes {{ topic {{ name }} }} }}
  defaultBranchRef {{ name target {{ oid }} }}
  heads: refs(refPrefix: "refs/heads/", first: 1) {{ totalCount }}
  tags: refs(refPrefix: "refs/tags/", first: 1) {{ totalCount }}
  issues{_LATEST}
  pullRequests{_LATEST}
  discussions{_LATEST}
  milestones{_LATEST}
  releases(first: 1, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ totalCount nodes {{ id updatedAt }} }}
  labels(first: 1) {{ totalCount }}
}}
{ACTOR}"""
