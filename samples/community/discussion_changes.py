"""Add, change, answer and delete discussions."""

from samples import SAMPLE_REPOSITORY
from samples.community.model import Discussion, DiscussionComment
from samples.community.state import DEFAULT_USER, SampleCommunity


class DiscussionChanges:
    """Changes to discussions. All changes except deletions change ``updated_at`` of the discussion."""

    community: SampleCommunity

    def add_discussion(
        self, title: str, body: str = "", *, category: str = "General", user: int | None = DEFAULT_USER,
        repository: str = SAMPLE_REPOSITORY, at: str | None = None,
    ) -> int:  # fmt: skip
        """Start a discussion and return its number."""
        with self.community.lock:
            repo, now = self.community.repository(repository), self.community.tick(at)
            number = repo.next_number()
            repo.discussions[number] = Discussion(
                id=self.community.new_id(), number=number, user=user, title=title, body=body, category=category,
                created_at=now, updated_at=now,
            )  # fmt: skip
            return number

    def edit_discussion(
        self, number: int, body: str, *, repository: str = SAMPLE_REPOSITORY, at: str | None = None
    ) -> None:
        with self.community.lock:
            topic = self.community.repository(repository).discussions[number]
            topic.body, topic.updated_at = body, self.community.tick(at)

    def delete_discussion(self, number: int, *, repository: str = SAMPLE_REPOSITORY) -> None:
        """Delete a discussion and its comments."""
        with self.community.lock:
            repo = self.community.repository(repository)
            self.community.tick()
            del repo.discussions[number]
            repo.deleted["discussions"].add(number)
            for id_ in [id_ for id_, post in repo.discussion_comments.items() if post.number == number]:
                del repo.discussion_comments[id_]
                repo.deleted["discussion_comments"].add(id_)

    def add_discussion_comment(
        self, number: int, body: str, *, reply_to: int | None = None, user: int | None = DEFAULT_USER,
        repository: str = SAMPLE_REPOSITORY, at: str | None = None,
    ) -> int:  # fmt: skip
        """Add a comment or a reply and return its id."""
        with self.community.lock:
            repo, id_ = self.community.repository(repository), self.community.new_id()
            now = repo.discussions[number].updated_at = self.community.tick(at)
            repo.discussion_comments[id_] = DiscussionComment(
                id=id_, number=number, user=user, body=body, created_at=now, updated_at=now, reply_to_id=reply_to
            )
            return id_

    def edit_discussion_comment(self, id_: int, body: str, *, at: str | None = None) -> None:
        with self.community.lock:
            repo, comment = self.community.discussion_comment(id_)
            comment.body, comment.updated_at = body, self.community.tick(at)
            repo.discussions[comment.number].updated_at = comment.updated_at

    def choose_answer(self, id_: int, *, at: str | None = None) -> None:
        with self.community.lock:
            repo, comment = self.community.discussion_comment(id_)
            repo.discussions[comment.number].answer_id = id_
            repo.discussions[comment.number].updated_at = self.community.tick(at)

    def delete_discussion_comment(self, id_: int) -> None:
        """Delete a comment and its replies. ``updated_at`` of the discussion does not change."""
        with self.community.lock:
            repo, _ = self.community.discussion_comment(id_)
            self.community.tick()
            gone = [one for one, post in repo.discussion_comments.items() if id_ in (one, post.reply_to_id)]
            for one in gone:
                del repo.discussion_comments[one]
                repo.deleted["discussion_comments"].add(one)
