"""Add comments on commits, hide comments, and resolve review threads.

None of these changes updates an issue or a pull request.
"""

from samples import SAMPLE_REPOSITORY
from samples.community.model import CommitComment, ReviewComment
from samples.community.state import DEFAULT_USER, SampleCommunity


class StateChanges:
    """Changes to commit comments, hidden comments and review threads."""

    community: SampleCommunity

    def hide(self, node_id: str, reason: str = "spam", *, repository: str = SAMPLE_REPOSITORY) -> None:
        """Hide a comment or a review. ``reason`` is the value of GraphQL's ``minimizedReason``."""
        with self.community.lock:
            self.community.tick()
            self.community.repository(repository).hidden[node_id] = reason

    def show(self, node_id: str, *, repository: str = SAMPLE_REPOSITORY) -> None:
        """Show a comment or a review that was hidden with ``hide``. Raises KeyError if it is not hidden."""
        with self.community.lock:
            self.community.tick()
            del self.community.repository(repository).hidden[node_id]

    def resolve(self, comment: int, *, user: int | None = DEFAULT_USER) -> None:
        """Resolve the review thread of a comment."""
        with self.community.lock:
            repo, remark = self.community.review_comment(comment)
            self.community.tick()
            repo.resolved[root_of(remark)] = user

    def reopen_thread(self, comment: int) -> None:
        """Reopen a review thread that was resolved with ``resolve``. Raises KeyError if it is not resolved."""
        with self.community.lock:
            repo, remark = self.community.review_comment(comment)
            self.community.tick()
            del repo.resolved[root_of(remark)]

    def add_commit_comment(
        self, sha: str, body: str, *, path: str | None = None, line: int | None = None,
        user: int | None = DEFAULT_USER, repository: str = SAMPLE_REPOSITORY, at: str | None = None,
    ) -> int:  # fmt: skip
        """Add a comment on a commit, and return its id."""
        with self.community.lock:
            repo, id_, now = self.community.repository(repository), self.community.new_id(), self.community.tick(at)
            repo.commit_comments[id_] = CommitComment(
                id=id_, number=0, user=user, body=body, created_at=now, updated_at=now, commit_id=sha, path=path,
                line=line, position=line,
            )  # fmt: skip
            return id_

    def edit_commit_comment(self, id_: int, body: str, *, repository: str = SAMPLE_REPOSITORY) -> None:
        with self.community.lock:
            comment = self.community.repository(repository).commit_comments[id_]
            comment.body, comment.updated_at = body, self.community.tick()

    def delete_commit_comment(self, id_: int, *, repository: str = SAMPLE_REPOSITORY) -> None:
        with self.community.lock:
            self.community.tick()
            del self.community.repository(repository).commit_comments[id_]


def root_of(remark: ReviewComment) -> int:
    """Return the id of the first comment in the review thread of a comment, even if the first one was deleted."""
    return remark.in_reply_to_id or remark.id
