"""Rename repositories and accounts, and delete accounts."""

from samples import SAMPLE_REPOSITORY
from samples.community.model import GHOST_ID, Account, Repository
from samples.community.state import SampleCommunity


class NameChanges:
    """Changes to names, and deletions of accounts. They do not change ``updated_at`` of issues or comments."""

    community: SampleCommunity

    def rename_repository(self, new_name: str, *, repository: str = SAMPLE_REPOSITORY) -> str:
        """Rename a repository, and return its new full name. The owner stays, and the old name redirects."""
        with self.community.lock:
            repo = self.community.repository(repository)
            self.community.old_names[self.community.full_name(repo).lower()] = repo.id
            repo.name, repo.updated_at = new_name, self.community.tick()
            return self.community.full_name(repo)

    def rename_account(self, id_: int, new_login: str) -> None:
        """Rename an account. The account keeps its id, and the old names of its repositories redirect."""
        with self.community.lock:
            for repo in self.community.repositories.values():
                if repo.owner == id_:
                    self.community.old_names[self.community.full_name(repo).lower()] = repo.id
            self.community.accounts[id_].login = new_login
            self.community.tick()

    def delete_account(self, id_: int, *, null_everywhere: bool = False) -> None:
        """Delete an account.

        After that, issues and comments show the account ``ghost``, or null if ``null_everywhere`` is true. Review
        comments and discussions always show null. The account is removed from assignees.
        """
        with self.community.lock:
            del self.community.accounts[id_]
            self.community.accounts.setdefault(GHOST_ID, Account(id=GHOST_ID, login="ghost"))
            self.community.tick()
            for repo in self.community.repositories.values():
                _replace_author(repo, id_, None if null_everywhere else GHOST_ID)


def _replace_author(repo: Repository, id_: int, shown: int | None) -> None:
    for post in (*repo.issues.values(), *repo.comments.values()):
        post.user = shown if post.user == id_ else post.user
    for comment in (*repo.review_comments.values(), *repo.discussions.values(), *repo.discussion_comments.values()):
        comment.user = None if comment.user == id_ else comment.user
    for issue in repo.issues.values():
        issue.assignees = tuple(assignee for assignee in issue.assignees if assignee != id_)
        issue.closed_by = shown if issue.closed_by == id_ else issue.closed_by
        if issue.pull and issue.pull.merged_by == id_:
            issue.pull.merged_by = None
