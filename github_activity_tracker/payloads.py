"""GitHub's data as it arrives: the fields that are read here, each class under the address of GitHub's own page.

Nulls and missing keys are as GitHub's OpenAPI description allows them. Words of unknown meaning are kept as they come.
"""

from typing import NotRequired, TypedDict


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

    name: NotRequired[str | None]


class MilestonePayload(TypedDict):
    """https://docs.github.com/en/rest/issues/milestones."""

    title: str


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
