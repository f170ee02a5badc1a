"""The objects of a community. Times are texts in GitHub's format, such as ``2025-03-02T08:10:00Z``.

Times are always in UTC and in whole seconds. Objects are changed by assigning to their fields. Tuples and mappings in
the fields of a post are never modified, so shallow copies of posts and of their ``pull`` are independent of the
originals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

GHOST_ID = 10137
"""Id of the account that GitHub shows in place of deleted accounts. See https://api.github.com/users/ghost."""
NONE_YET: Mapping[str, int] = MappingProxyType({})
STREAMS = ("issues", "issue_comments", "review_comments", "discussions", "discussion_comments")


@dataclass(kw_only=True, slots=True)
class Account:
    id: int
    login: str
    type: str = "User"
    name: str = ""
    emails: tuple[str, ...] = ()
    """Email addresses that this account uses in commits."""


@dataclass(kw_only=True, slots=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(kw_only=True, slots=True)
class Milestone:
    id: int
    number: int
    title: str
    creator: int | None
    created_at: str
    description: str | None = None
    due_on: str | None = None
    closed_at: str | None = None


@dataclass(kw_only=True, slots=True)
class Post:
    """Fields that issues, discussions and comments share. ``user`` is an account id, or ``None`` for null."""

    id: int
    number: int
    """Number of the issue, pull request or discussion. A comment has the number of its thread."""
    user: int | None
    body: str | None
    created_at: str
    updated_at: str
    association: str = "NONE"
    reactions: Mapping[str, int] = field(default_factory=lambda: NONE_YET)


@dataclass(kw_only=True, slots=True)
class Comment(Post):
    """A comment on an issue or a pull request."""


@dataclass(kw_only=True, slots=True)
class ReviewComment(Post):
    """A comment on the diff of a pull request. An outdated comment has neither ``line`` nor ``position``."""

    path: str
    diff_hunk: str = "@@ -1 +1 @@"
    line: int | None = None
    original_line: int | None = None
    start_line: int | None = None
    position: int | None = None
    original_position: int | None = None
    side: str | None = "RIGHT"
    subject_type: str = "line"
    review_id: int | None = None
    in_reply_to_id: int | None = None
    commit_id: str = ""
    original_commit_id: str = ""


@dataclass(kw_only=True, slots=True)
class CommitComment(Post):
    """A comment on a commit. ``number`` is always 0."""

    commit_id: str
    path: str | None = None
    line: int | None = None
    position: int | None = None


@dataclass(kw_only=True, slots=True)
class Pull:
    """Fields that only pull requests have. ``Issue`` contains all other fields.

    ``head_repo`` is false if the fork was deleted.
    """

    id: int
    head: str
    head_sha: str
    base: str = "main"
    base_sha: str
    draft: bool = False
    head_repo: bool = True
    merged_at: str | None = None
    merged_by: int | None = None
    merge_commit_sha: str | None = None
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0
    commits: int = 1


@dataclass(kw_only=True, slots=True)
class Issue(Post):
    title: str
    state: str = "open"
    state_reason: str | None = None
    closed_at: str | None = None
    closed_by: int | None = None
    labels: tuple[str, ...] = ()
    milestone: int | None = None
    assignees: tuple[int, ...] = ()
    lock_reason: str | None = None
    locked: bool = False
    pull: Pull | None = None
    type: str | None = None
    app: str | None = None
    """Slug of the GitHub App that opened the issue."""
    sub_issues: tuple[int, int] = (0, 0)
    """Number of all sub-issues, and number of closed sub-issues."""
    blocked_by: int = 0


@dataclass(kw_only=True, slots=True)
class Discussion(Post):
    title: str
    category: str = "General"
    answer_id: int | None = None
    """Id of the comment that was chosen as the answer."""
    closed_at: str | None = None
    state_reason: str | None = None
    labels: tuple[str, ...] = ()
    upvotes: int = 1


@dataclass(kw_only=True, slots=True)
class DiscussionComment(Post):
    """A comment in a discussion, or a reply. ``reply_to_id`` of a reply is the id of the comment it replies to."""

    reply_to_id: int | None = None
    upvotes: int = 0


@dataclass(kw_only=True, slots=True)
class Repository:
    """A repository.

    ``deleted`` contains, by stream, the numbers of deleted issues and discussions, and the ids of deleted comments.
    """

    id: int
    owner: int
    name: str
    description: str
    created_at: str
    updated_at: str
    pushed_at: str
    has_git: bool = False
    topics: tuple[str, ...] = ()
    labels: Mapping[str, Label] = field(default_factory=dict[str, Label])
    milestones: Mapping[int, Milestone] = field(default_factory=dict[int, Milestone])
    issues: dict[int, Issue] = field(default_factory=dict[int, Issue])
    comments: dict[int, Comment] = field(default_factory=dict[int, Comment])
    review_comments: dict[int, ReviewComment] = field(default_factory=dict[int, ReviewComment])
    discussions: dict[int, Discussion] = field(default_factory=dict[int, Discussion])
    discussion_comments: dict[int, DiscussionComment] = field(default_factory=dict[int, DiscussionComment])
    commit_comments: dict[int, CommitComment] = field(default_factory=dict[int, CommitComment])
    hidden: dict[str, str] = field(default_factory=dict[str, str])
    """The reason why a comment or review is hidden (GraphQL's ``minimizedReason``), by node id."""
    resolved: dict[int, int | None] = field(default_factory=dict[int, int | None])
    """Id of the account that resolved a review thread, by the id of the thread's first comment."""
    parent: tuple[int, str] | None = None
    """Numeric id and full name of the repository that this repository was forked from."""
    deleted: dict[str, set[int]] = field(default_factory=lambda: {stream: set[int]() for stream in STREAMS})
    moved: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Transferred issues: the new repository's id and the new number, by the old number."""

    def next_number(self) -> int:
        """Return the next free number. Issues, pull requests and discussions share one sequence of numbers."""
        return (
            max(
                [0, *self.issues, *self.discussions, *self.moved, *self.deleted["issues"], *self.deleted["discussions"]]
            )
            + 1
        )
