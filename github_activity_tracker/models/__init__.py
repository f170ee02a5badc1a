"""What is kept of GitHub, by GitHub's numeric ids."""

from github_activity_tracker.models.commits import Commit, CommitFile, GitRef
from github_activity_tracker.models.issues import Issue, IssueComment, ReviewComment
from github_activity_tracker.models.repositories import Account, Repository

__all__ = ["Account", "Commit", "CommitFile", "GitRef", "Issue", "IssueComment", "Repository", "ReviewComment"]
