"""The data that a complete copy of a repository must contain. Tests compare collected data with it."""

from typing import TypedDict

from samples.community.model import Issue, Post, Repository
from samples.community.state import SampleCommunity


class PostTruth(TypedDict):
    """A post. ``number`` is the number of its thread, and ``user`` is ``None`` if GitHub sends null."""

    id: int
    number: int
    user: int | None
    body: str | None
    created_at: str
    updated_at: str


class IssueTruth(PostTruth):
    title: str
    state: str
    is_pull_request: bool


class Truth(TypedDict):
    """The data that a complete copy of a repository must contain.

    The keys of issues, pull requests and discussions are numbers. The keys of comments are ids. ``commits`` contains
    the SHAs of the commits that branches and tags reach. ``deleted`` contains the numbers of deleted issues and
    discussions, and the ids of deleted comments, including the comments of transferred issues. ``transferred`` maps the
    number of a transferred issue to its new location, ``owner/name#number``.
    """

    id: int
    full_name: str
    issues: dict[int, IssueTruth]
    issue_comments: dict[int, PostTruth]
    review_comments: dict[int, PostTruth]
    discussions: dict[int, PostTruth]
    discussion_comments: dict[int, PostTruth]
    commits: list[str]
    deleted: dict[str, list[int]]
    transferred: dict[int, str]


def truth_of(community: SampleCommunity, repo: Repository, commits: list[str]) -> Truth:
    """Return a copy of a repository's data. Later changes to the community do not affect the copy."""
    names = {id_: community.full_name(other) for id_, other in community.repositories.items()}
    return {
        "id": repo.id,
        "full_name": community.full_name(repo),
        "issues": {number: _issue(issue) for number, issue in sorted(repo.issues.items())},
        "issue_comments": {id_: _post(post) for id_, post in sorted(repo.comments.items())},
        "review_comments": {id_: _post(post) for id_, post in sorted(repo.review_comments.items())},
        "discussions": {number: _post(post) for number, post in sorted(repo.discussions.items())},
        "discussion_comments": {id_: _post(post) for id_, post in sorted(repo.discussion_comments.items())},
        "commits": commits,
        "deleted": {stream: sorted(ids) for stream, ids in repo.deleted.items()},
        "transferred": {number: f"{names[there]}#{new}" for number, (there, new) in repo.moved.items()},
    }


def _post(post: Post) -> PostTruth:
    return {
        "id": post.id,
        "number": post.number,
        "user": post.user,
        "body": post.body,
        "created_at": post.created_at,
        "updated_at": post.updated_at,
    }


def _issue(issue: Issue) -> IssueTruth:
    return {
        **_post(issue),
        "title": issue.title,
        "state": issue.state,
        "is_pull_request": issue.pull is not None,
    }
