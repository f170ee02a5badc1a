"""Pages of GitHub's payloads, and the states that cover them; the only room that talks to ``core.operations``."""

from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.commits import CommitPage, LocalHistory
from github_activity_tracker.fetch.lists import ListPage, issue_comments, issues, review_comments
from github_activity_tracker.fetch.repositories import repository

__all__ = [
    "CommitPage",
    "ListPage",
    "LocalHistory",
    "issue_comments",
    "issues",
    "open_client",
    "repository",
    "review_comments",
]
