"""GitHub's data as it arrives: the fields that are read here, each class under the address of GitHub's own page.

Nulls and missing keys are as GitHub's OpenAPI description allows them. Words of unknown meaning are kept as they come.
"""

from typing import NotRequired, TypedDict

NOT_EVENTS = frozenset({
    "IssueComment", "PullRequestReview", "PullRequestReviewThread", "PullRequestCommitCommentThread",
    "PullRequestRevisionMarker",
})  # fmt: skip
"""Entries of timelines that have streams of their own, or only mark how far an account has read."""
ALIAS_MARK = "__"
"""In the name of a timeline entry's field, what follows it is no part of GitHub's name: ``reason__NewEvent``."""


class AccountPayload(TypedDict):
    """A "simple user": https://docs.github.com/en/rest/users/users."""

    id: int
    login: str
    type: NotRequired[str]
    node_id: NotRequired[str]
    avatar_url: NotRequired[str]
    html_url: NotRequired[str]


class RepositoryPayload(TypedDict):
    """https://docs.github.com/en/rest/repos/repos#get-a-repository."""

    id: int
    full_name: str
    owner: AccountPayload | None
    node_id: NotRequired[str]
    description: NotRequired[str | None]
    default_branch: NotRequired[str]
    language: NotRequired[str | None]
    topics: NotRequired[list[str]]
    html_url: NotRequired[str]
    private: NotRequired[bool]
    fork: NotRequired[bool]
    archived: NotRequired[bool]
    stargazers_count: NotRequired[int]
    subscribers_count: NotRequired[int]
    forks_count: NotRequired[int]
    created_at: NotRequired[str | None]
    updated_at: NotRequired[str | None]
    pushed_at: NotRequired[str | None]


class LabelPayload(TypedDict):
    """https://docs.github.com/en/rest/issues/labels."""

    id: int
    name: str
    color: NotRequired[str | None]
    description: NotRequired[str | None]
    default: NotRequired[bool]


class MilestonePayload(TypedDict):
    """https://docs.github.com/en/rest/issues/milestones."""

    id: int
    number: int
    title: str
    state: str
    description: NotRequired[str | None]
    creator: NotRequired[AccountPayload | None]
    open_issues: NotRequired[int]
    closed_issues: NotRequired[int]
    html_url: NotRequired[str]
    due_on: NotRequired[str | None]
    created_at: str
    updated_at: str
    closed_at: NotRequired[str | None]


class ReleaseAssetPayload(TypedDict):
    """https://docs.github.com/en/rest/releases/assets."""

    name: str
    size: NotRequired[int]
    download_count: NotRequired[int]


class ReleasePayload(TypedDict):
    """https://docs.github.com/en/rest/releases/releases#list-releases."""

    id: int
    node_id: NotRequired[str]
    tag_name: str
    name: NotRequired[str | None]
    body: NotRequired[str | None]
    target_commitish: NotRequired[str]
    draft: NotRequired[bool]
    prerelease: NotRequired[bool]
    author: NotRequired[AccountPayload | None]
    html_url: NotRequired[str]
    assets: NotRequired[list[ReleaseAssetPayload]]
    created_at: str
    updated_at: NotRequired[str | None]
    published_at: NotRequired[str | None]


class PullRequestLinkPayload(TypedDict):
    """What marks an issue as a pull request; in :class:`IssuePayload`."""

    merged_at: NotRequired[str | None]


class PostPayload(TypedDict):
    """What issues and comments share."""

    id: int
    node_id: NotRequired[str]
    user: AccountPayload | None
    body: NotRequired[str | None]
    html_url: str
    author_association: NotRequired[str]
    reactions: NotRequired[dict[str, int | str]]
    created_at: str
    updated_at: str


class IssuePayload(PostPayload):
    """https://docs.github.com/en/rest/issues/issues#list-repository-issues."""

    number: int
    title: str
    state: str
    state_reason: NotRequired[str | None]
    locked: NotRequired[bool]
    active_lock_reason: NotRequired[str | None]
    draft: NotRequired[bool]
    labels: NotRequired[list[LabelPayload | str]]
    assignees: NotRequired[list[AccountPayload] | None]
    milestone: NotRequired[MilestonePayload | None]
    comments: NotRequired[int]
    closed_at: NotRequired[str | None]
    pull_request: NotRequired[PullRequestLinkPayload]


class IssueCommentPayload(PostPayload):
    """https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository."""

    issue_url: str


class ReviewCommentPayload(PostPayload):
    """https://docs.github.com/en/rest/pulls/comments#list-review-comments-in-a-repository."""

    pull_request_url: str
    path: str
    diff_hunk: NotRequired[str]
    pull_request_review_id: NotRequired[int | None]
    in_reply_to_id: NotRequired[int | None]
    commit_id: NotRequired[str]
    original_commit_id: NotRequired[str]
    subject_type: NotRequired[str]
    side: NotRequired[str | None]
    start_side: NotRequired[str | None]
    line: NotRequired[int | None]
    original_line: NotRequired[int | None]
    start_line: NotRequired[int | None]
    original_start_line: NotRequired[int | None]
    position: NotRequired[int | None]
    original_position: NotRequired[int | None]
