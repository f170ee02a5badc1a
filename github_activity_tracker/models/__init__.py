"""The tables of GitHub's data. Most of them use GitHub's numeric ids as primary keys."""

from github_activity_tracker.models.commit_comments import CommitComment
from github_activity_tracker.models.commits import AuthorEmail, Commit, CommitFile, GitRef, RefChange
from github_activity_tracker.models.discussions import Discussion, DiscussionComment
from github_activity_tracker.models.issues import Hideable, Issue, IssueComment, Post, ReviewComment
from github_activity_tracker.models.planning import Label, Milestone, Release
from github_activity_tracker.models.pulls import PullRequest, Review, Timeline, TimelineEvent
from github_activity_tracker.models.repositories import Account, FormerLogin, FormerName, Repository
from github_activity_tracker.models.revisions import Revision

__all__ = [
    "Account",
    "AuthorEmail",
    "Commit",
    "CommitComment",
    "CommitFile",
    "Discussion",
    "DiscussionComment",
    "FormerLogin",
    "FormerName",
    "GitRef",
    "Hideable",
    "Issue",
    "IssueComment",
    "Label",
    "Milestone",
    "Post",
    "PullRequest",
    "RefChange",
    "Release",
    "Repository",
    "Review",
    "ReviewComment",
    "Revision",
    "Timeline",
    "TimelineEvent",
]
