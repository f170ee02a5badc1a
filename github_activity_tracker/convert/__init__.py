"""GitHub's payloads become rows and records; pure: no I/O, no clock, no database."""

from github_activity_tracker.convert.accounts import Logins, account_row, actor_rows, observe_login
from github_activity_tracker.convert.commits import convert_commit, convert_commits, with_times
from github_activity_tracker.convert.discussions import DiscussionPage, convert_discussions
from github_activity_tracker.convert.issues import (
    convert_commit_comments,
    convert_issue_comments,
    convert_issues,
    convert_review_comments,
)
from github_activity_tracker.convert.page import hidden_state, join_pages, reaction_counts, resolved_state
from github_activity_tracker.convert.planning import (
    convert_labels,
    convert_milestones,
    convert_releases,
    milestone_creators,
)
from github_activity_tracker.convert.repositories import provisional_row, repository_row, repository_row_of_facts
from github_activity_tracker.convert.threads import ThreadPage, convert_threads

__all__ = [
    "DiscussionPage",
    "Logins",
    "ThreadPage",
    "account_row",
    "actor_rows",
    "convert_commit",
    "convert_commit_comments",
    "convert_commits",
    "convert_discussions",
    "convert_issue_comments",
    "convert_issues",
    "convert_labels",
    "convert_milestones",
    "convert_releases",
    "convert_review_comments",
    "convert_threads",
    "hidden_state",
    "join_pages",
    "milestone_creators",
    "observe_login",
    "provisional_row",
    "reaction_counts",
    "repository_row",
    "repository_row_of_facts",
    "resolved_state",
    "with_times",
]
