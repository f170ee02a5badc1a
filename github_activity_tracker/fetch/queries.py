"""GraphQL texts. Every connection states its size.

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
"""No field of Organization: GitHub refuses a whole query that selects one unless the token has ``read:org``.

An organisation's number is also in its ``avatarUrl``.
"""
_USERS = "... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId }"
ASSIGNEE = f"__typename ... on Node {{ id }} ... on Actor {{ login avatarUrl }} {_USERS}"
REVIEWER = f"{ASSIGNEE} ... on Team {{ slug }}"
"""A team's ``slug`` is selected only with a token that is known to have ``read:org``; its node id needs nothing."""
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
"""Fields of each kind of timeline event besides its time and actor.

The server's schema tells the fields of other kinds.
"""

PULL_ONLY = {
    "AddedToMergeQueueEvent", "AutoMergeDisabledEvent", "AutoMergeEnabledEvent", "AutoRebaseEnabledEvent",
    "AutoSquashEnabledEvent", "AutomaticBaseChangeFailedEvent", "AutomaticBaseChangeSucceededEvent",
    "BaseRefChangedEvent", "BaseRefDeletedEvent", "BaseRefForcePushedEvent", "ConvertToDraftEvent", "DeployedEvent",
    "DeploymentEnvironmentChangedEvent", "HeadRefDeletedEvent", "HeadRefForcePushedEvent", "HeadRefRestoredEvent",
    "MergedEvent", "ReadyForReviewEvent", "RemovedFromMergeQueueEvent", "ReviewDismissedEvent",
    "ReviewRequestRemovedEvent", "ReviewRequestedEvent",
}  # fmt: skip
"""Kinds that only pull requests have: selecting them of an issue is an error."""

COMMIT = """
  ... on PullRequestCommit {
    pushed: commit { oid committedDate author { name user { __typename login id databaseId } } }
  }"""


def selection(kind: str) -> str:
    """Return the inline fragment for a kind of ``FIELDS``."""
    return f"... on {kind} {{ createdAt actor {{ ...Account }} {FIELDS[kind]} }}"


def _fragment(name: str, union: str, kinds: list[str], more: str = "") -> str:
    parts = "\n  ".join(selection(kind) for kind in kinds)
    return f"fragment {name} on {union} {{\n  __typename ... on Node {{ id }}\n  {parts} {more}\n}}\n"


EVENTS = {
    "Issue": _fragment("IssueEvent", "IssueTimelineItems", [kind for kind in FIELDS if kind not in PULL_ONLY]),
    "PullRequest": _fragment("PullEvent", "PullRequestTimelineItems", list(FIELDS), COMMIT),
}


REACTED = "reactionGroups { content createdAt }"
"""The kinds of reactions: those without any have no time. Unlike their numbers, this costs no points."""
HIDDEN = "isMinimized minimizedReason "
"""Whether a comment or review is hidden by a person with write access. This costs no points."""
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
"""The same lists without nested connections, to get past items that GitHub cannot show."""

_POSTS = {
    "issues": "ISSUE_COMMENT",
    "pullRequests": "ISSUE_COMMENT, PULL_REQUEST_REVIEW, PULL_REQUEST_REVIEW_THREAD, "
    "PULL_REQUEST_COMMIT_COMMENT_THREAD, PULL_REQUEST_REVISION_MARKER",
}
"""Entries of timelines that are not events; ``payloads.NOT_EVENTS`` has the types of these names."""


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
"""The sizes of each discussion; replies are counted for its first hundred comments."""


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
