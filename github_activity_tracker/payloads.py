"""Types of GitHub's payloads, limited to the fields that the tracker reads.

Docstrings of the classes contain the URLs of GitHub's documentation. Fields may be null or missing as in GitHub's
OpenAPI description. Unknown values, such as a new ``state``, are stored unchanged.
"""

from typing import NotRequired, TypedDict

NOT_EVENTS = frozenset({
    "IssueComment", "PullRequestReview", "PullRequestReviewThread", "PullRequestCommitCommentThread",
    "PullRequestRevisionMarker",
})  # fmt: skip
"""GraphQL types of timeline entries that are not stored as events.

Other streams collect their content, or they only mark how far the user of the token has read the pull request.
"""
ALIAS_MARK = "__"
"""Separator between the original name of a field and the suffix of its alias, as in ``reason__NewEvent``."""


class AccountPayload(TypedDict):
    """An account, which GitHub calls a "simple user". See https://docs.github.com/en/rest/users/users."""

    id: int
    login: str
    type: NotRequired[str]
    node_id: NotRequired[str]
    avatar_url: NotRequired[str]
    html_url: NotRequired[str]


class LicensePayload(TypedDict):
    """The license in a :class:`RepositoryPayload`. See https://docs.github.com/en/rest/licenses/licenses."""

    key: NotRequired[str | None]
    spdx_id: NotRequired[str | None]
    name: NotRequired[str | None]


class RelatedRepositoryPayload(TypedDict):
    """The parent or source of a fork in a :class:`RepositoryPayload`."""

    id: int
    full_name: str


class AppPayload(TypedDict):
    """A GitHub App. See https://docs.github.com/en/rest/apps/apps."""

    slug: NotRequired[str]
    name: NotRequired[str]


class RepositoryPayload(TypedDict):
    """A repository. See https://docs.github.com/en/rest/repos/repos#get-a-repository."""

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
    homepage: NotRequired[str | None]
    visibility: NotRequired[str]
    license: NotRequired[LicensePayload | None]
    has_issues: NotRequired[bool]
    has_pull_requests: NotRequired[bool]
    has_discussions: NotRequired[bool]
    has_projects: NotRequired[bool]
    has_wiki: NotRequired[bool]
    has_pages: NotRequired[bool]
    has_downloads: NotRequired[bool]
    is_template: NotRequired[bool]
    disabled: NotRequired[bool]
    mirror_url: NotRequired[str | None]
    parent: NotRequired[RelatedRepositoryPayload | None]
    source: NotRequired[RelatedRepositoryPayload | None]
    stargazers_count: NotRequired[int]
    subscribers_count: NotRequired[int]
    forks_count: NotRequired[int]
    created_at: NotRequired[str | None]
    updated_at: NotRequired[str | None]
    pushed_at: NotRequired[str | None]


class LabelPayload(TypedDict):
    """A label. See https://docs.github.com/en/rest/issues/labels."""

    id: int
    name: str
    color: NotRequired[str | None]
    description: NotRequired[str | None]
    default: NotRequired[bool]


class MilestonePayload(TypedDict):
    """A milestone. See https://docs.github.com/en/rest/issues/milestones."""

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
    """A file of a release. See https://docs.github.com/en/rest/releases/assets."""

    name: str
    size: NotRequired[int]
    download_count: NotRequired[int]


class ReleasePayload(TypedDict):
    """A release. See https://docs.github.com/en/rest/releases/releases#list-releases."""

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
    reactions: NotRequired[dict[str, int | str] | None]
    created_at: str
    updated_at: NotRequired[str | None]
    published_at: NotRequired[str | None]


class PullRequestLinkPayload(TypedDict):
    """The field ``pull_request`` of an :class:`IssuePayload`, which is missing for issues."""

    merged_at: NotRequired[str | None]


class PostPayload(TypedDict):
    """Fields that issues and comments share."""

    id: int
    node_id: NotRequired[str]
    user: AccountPayload | None
    body: NotRequired[str | None]
    html_url: str
    author_association: NotRequired[str]
    reactions: NotRequired[dict[str, int | str]]
    created_at: str
    updated_at: str


class IssueTypePayload(TypedDict):
    """The type of an issue in an :class:`IssuePayload`. See https://docs.github.com/en/rest/orgs/issue-types."""

    name: NotRequired[str]


class IssuePayload(PostPayload):
    """An issue or pull request. See https://docs.github.com/en/rest/issues/issues#list-repository-issues."""

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
    type: NotRequired[IssueTypePayload | None]
    sub_issues_summary: NotRequired[dict[str, int] | None]
    issue_dependencies_summary: NotRequired[dict[str, int] | None]
    closed_by: NotRequired[AccountPayload | None]
    performed_via_github_app: NotRequired[AppPayload | None]


class IssueCommentPayload(PostPayload):
    """A comment on an issue or a pull request.

    See https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository.
    """

    issue_url: str
    performed_via_github_app: NotRequired[AppPayload | None]


class CommitCommentPayload(PostPayload):
    """A comment on a commit.

    See https://docs.github.com/en/rest/commits/comments#list-commit-comments-for-a-repository.
    """

    commit_id: str
    path: NotRequired[str | None]
    line: NotRequired[int | None]
    position: NotRequired[int | None]


class ReviewCommentPayload(PostPayload):
    """A comment on the diff of a pull request.

    See https://docs.github.com/en/rest/pulls/comments#list-review-comments-in-a-repository.
    """

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
