"""The entries of timelines: what is asked of each kind.

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
"""What is asked of each kind besides its time and its actor. Of other kinds the server's schema says what they have."""

PULL_ONLY = {
    "AddedToMergeQueueEvent", "AutoMergeDisabledEvent", "AutoMergeEnabledEvent", "AutoRebaseEnabledEvent",
    "AutoSquashEnabledEvent", "AutomaticBaseChangeFailedEvent", "AutomaticBaseChangeSucceededEvent",
    "BaseRefChangedEvent", "BaseRefDeletedEvent", "BaseRefForcePushedEvent", "ConvertToDraftEvent", "DeployedEvent",
    "DeploymentEnvironmentChangedEvent", "HeadRefDeletedEvent", "HeadRefForcePushedEvent", "HeadRefRestoredEvent",
    "MergedEvent", "ReadyForReviewEvent", "RemovedFromMergeQueueEvent", "ReviewDismissedEvent",
    "ReviewRequestRemovedEvent", "ReviewRequestedEvent",
}  # fmt: skip
"""Kinds that only pull requests have: asking them of an issue is an error."""

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
