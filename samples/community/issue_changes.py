"""Open, change, transfer and delete issues and pull requests."""

from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.community.comment_changes import UNCHANGED, CommentChanges, Text
from samples.community.folding import plain_pull
from samples.community.model import Issue, Repository
from samples.community.state import DEFAULT_USER


class IssueChanges(CommentChanges):
    """Changes to issues and pull requests. The default repository is :data:`SAMPLE_REPOSITORY`."""

    def add_issue(
        self,
        title: str,
        body: str | None = "",
        *,
        user: int | None = DEFAULT_USER,
        labels: tuple[str, ...] = (),
        pull: bool = False,
        repository: str = SAMPLE_REPOSITORY,
        at: str | None = None,
    ) -> int:
        """Open an issue or a pull request, and return its number."""
        with self.community.lock:
            repo, now = self.community.repository(repository), self.community.tick(at)
            number = repo.next_number()
            repo.issues[number] = Issue(
                id=self.community.new_id(),
                number=number,
                user=user,
                title=title,
                body=body,
                labels=labels,
                created_at=now,
                updated_at=now,
                pull=plain_pull(self.community.new_id(), number) if pull else None,
            )
            return number

    def edit_issue(
        self,
        number: int,
        *,
        title: str | None = None,
        body: Text = UNCHANGED,
        state: str | None = None,
        state_reason: str | None = None,
        labels: tuple[str, ...] | None = None,
        repository: str = SAMPLE_REPOSITORY,
        at: str | None = None,
    ) -> None:
        """Change the given fields of an issue or a pull request. ``state`` is ``open`` or ``closed``."""
        with self.community.lock:
            issue = self.community.repository(repository).issues[number]
            issue.updated_at = self.community.tick(at)
            issue.title = issue.title if title is None else title
            issue.body = issue.body if body is UNCHANGED else body
            issue.labels = issue.labels if labels is None else labels
            if state is not None:
                _close(issue, state == "closed", state_reason)

    def delete_issue(self, number: int, *, repository: str = SAMPLE_REPOSITORY) -> None:
        """Delete an issue and its comments. After that, its URL returns 410, and lists do not contain it."""
        with self.community.lock:
            self.community.tick()
            _drop(self.community.repository(repository), number)

    def transfer_issue(
        self, number: int, to: str = SECOND_REPOSITORY, *, repository: str = SAMPLE_REPOSITORY, at: str | None = None
    ) -> int:
        """Transfer an issue with its comments, and return the new number.

        The comments get new ids, and the old URL redirects.
        """
        with self.community.lock:
            old, new = self.community.repository(repository), self.community.repository(to)
            issue, talk = old.issues[number], [post for post in old.comments.values() if post.number == number]
            there = self.add_issue(issue.title, issue.body, user=issue.user, repository=to, at=at)
            for comment in talk:
                self.add_comment(there, comment.body, user=comment.user, repository=to, at=self.community.clock)
            new.issues[there].created_at = issue.created_at
            _drop(old, number)
            old.deleted["issues"].discard(number)
            old.moved[number] = (new.id, there)
            return there


def _close(issue: Issue, closed: bool, reason: str | None) -> None:
    issue.state = "closed" if closed else "open"
    issue.closed_at = issue.updated_at if closed else None
    issue.closed_by = DEFAULT_USER if closed else None
    issue.state_reason = None if issue.pull else reason or ("completed" if closed else "reopened")


def _drop(repo: Repository, number: int) -> None:
    del repo.issues[number]
    repo.deleted["issues"].add(number)
    for stream, posts in (("issue_comments", repo.comments), ("review_comments", repo.review_comments)):
        gone = {id_ for id_, post in posts.items() if post.number == number}
        repo.deleted[stream] |= gone
        for id_ in gone:
            del posts[id_]
