"""Comments come, change and go."""

from enum import Enum
from typing import Literal

from samples import SAMPLE_REPOSITORY
from samples.community.model import Comment, ReviewComment
from samples.community.state import DEFAULT_USER, SampleCommunity


class Marker(Enum):
    """For arguments whose ``None`` has a meaning: a body of ``None`` is one that GitHub sends as null."""

    UNCHANGED = "unchanged"


UNCHANGED: Literal[Marker.UNCHANGED] = Marker.UNCHANGED
Text = str | None | Literal[Marker.UNCHANGED]


class CommentChanges:
    """Comments are found by their id in whatever repository they are."""

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
        """Returns the comment's id."""
        with self.community.lock:
            repo, id_ = self.community.repository(repository), self.community.new_id()
            issue = repo.issues[number]
            now = issue.updated_at = self.community.tick(at)
            repo.comments[id_] = Comment(id=id_, number=number, user=user, body=body, created_at=now, updated_at=now)
            return id_

    def edit_comment(self, id_: int, body: str | None, *, at: str | None = None) -> None:
        """Moves the issue's date too."""
        with self.community.lock:
            repo, comment = self.community.comment(id_)
            comment.body, comment.updated_at = body, self.community.tick(at)
            repo.issues[comment.number].updated_at = comment.updated_at

    def delete_comment(self, id_: int, *, at: str | None = None) -> None:
        """Moves the issue's date, which is all that lists show of it."""
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
        """Returns the comment's id. Without a ``line`` it is an outdated one."""
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
        """The pull request keeps its date."""
        with self.community.lock:
            _, comment = self.community.review_comment(id_)
            comment.body, comment.updated_at = body, self.community.tick(at)

    def delete_review_comment(self, id_: int) -> None:
        """The pull request keeps its date."""
        with self.community.lock:
            repo, _ = self.community.review_comment(id_)
            self.community.tick()
            del repo.review_comments[id_]
            repo.deleted["review_comments"].add(id_)
