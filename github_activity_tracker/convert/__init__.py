"""GitHub's payloads become rows and records; pure: no I/O, no clock, no database."""

from github_activity_tracker.convert.commits import convert_commit, convert_commits
from github_activity_tracker.convert.issues import convert_issue_comments, convert_issues, convert_review_comments
from github_activity_tracker.convert.page import Malformed, Page, Record, Row
from github_activity_tracker.convert.repositories import account_row, provisional_row, repository_row

__all__ = [
    "Malformed",
    "Page",
    "Record",
    "Row",
    "account_row",
    "convert_commit",
    "convert_commits",
    "convert_issue_comments",
    "convert_issues",
    "convert_review_comments",
    "provisional_row",
    "repository_row",
]
