"""Add, change and delete comments."""

from enum import Enum
from typing import Literal

from samples import SAMPLE_REPOSITORY
from samples.community.model import Comment, ReviewComment
from samples.community.state import DEFAULT_USER, SampleCommunity


class Marker(Enum):
    """Type of ``UNCHANGED``, the default ``body`` of ``edit_issue``. ``None`` is a valid body: GitHub may send null."""

    UNCHANGED = "unchanged"


UNCHANGED: Literal[Marker.UNCHANGED] = Marker.UNCHANGED
Text = str | None | Literal[Marker.UNCHANGED]


class CommentChanges:
    """Changes to comments. Existing comments need no repository, because their ids are unique across repositories."""

    community: SampleCommunity

    def add_comment(
        self,
        number: int,
        body: str | None,
        *,
        user: int | None = DEFAULT_USER,
        repository: str = SAMPLE_REPOSITORY,
        at: str | None = None,
    ) -> int:
        """Add a comment and return its id."""
        with self.community.lock:
            repo, id_ = self.community.repository(repository), self.community.new_id()
            issue = repo.issues[number]
            now = issue.updated_at = self.community.tick(at)
            repo.comments[id_] = Comment(id=id_, number=number, user=user, body=body, created_at=now, updated_at=now)
            return id_

    def edit_comment(self, id_: int, body: str | None, *, at: str | None = None) -> None:
        """Change the text of a comment. ``updated_at`` of the issue changes too."""
        with self.community.lock:
            repo, comment = self.community.comment(id_)
            comment.body, comment.updated_at = body, self.community.tick(at)
            repo.issues[comment.number].updated_at = comment.updated_at

    def delete_comment(self, id_: int, *, at: str | None = None) -> None:
        """Delete a comment. ``updated_at`` of the issue changes too."""
        with self.community.lock:
            repo, comment = self.community.comment(id_)
            repo.issues[comment.number].updated_at = self.community.tick(at)
            del repo.comments[id_]
            repo.deleted["issue_comments"].add(id_)

    def add_review_comment(
        self,
        number: int,
        body: str,
        *,
        path: str = "README.md",
        line: int | None = 1,
        in_reply_to: int | None = None,
        user: int | None = DEFAULT_USER,
        repository: str = SAMPLE_REPOSITORY,
        at: str | None = None,
    ) -> int:
        """Add a comment on a diff, and return its id. If ``line`` is None, the comment is outdated."""
        with self.community.lock:
            repo, id_ = self.community.repository(repository), self.community.new_id()
            issue = repo.issues[number]
            now = issue.updated_at = self.community.tick(at)
            repo.review_comments[id_] = ReviewComment(
                id=id_,
                number=number,
                user=user,
                body=body,
                created_at=now,
                updated_at=now,
                path=path,
                line=line,
                original_line=line or 1,
                position=line,
                original_position=line or 1,
                in_reply_to_id=in_reply_to,
            )
            return id_

    def edit_review_comment(self, id_: int, body: str, *, at: str | None = None) -> None:
        """Change the text of a comment on a diff. ``updated_at`` of the pull request does not change."""
        with self.community.lock:
            _, comment = self.community.review_comment(id_)
            comment.body, comment.updated_at = body, self.community.tick(at)

    def delete_review_comment(self, id_: int) -> None:
        """Delete a comment on a diff. ``updated_at`` of the pull request does not change."""
        with self.community.lock:
            repo, _ = self.community.review_comment(id_)
            self.community.tick()
            del repo.review_comments[id_]
            repo.deleted["review_comments"].add(id_)
