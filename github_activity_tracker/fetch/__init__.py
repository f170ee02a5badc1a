"""Pages of GitHub's payloads, and the states that cover them; the only room that talks to ``core.operations``."""

from github_activity_tracker.fetch.ahead import ahead, in_batches
from github_activity_tracker.fetch.authors import authors
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.commit_comments import commit_comments, is_unfinished, whole_walk
from github_activity_tracker.fetch.commits import CommitPage, LocalHistory
from github_activity_tracker.fetch.listing import ItemPage
from github_activity_tracker.fetch.lists import ListPage, issue_comments, issues, review_comments
from github_activity_tracker.fetch.organisations import repositories_of
from github_activity_tracker.fetch.reconcile import absent_nodes, accounts, is_gone, totals
from github_activity_tracker.fetch.repositories import probe, repository
from github_activity_tracker.fetch.single import one_item, one_thread
from github_activity_tracker.fetch.sizes import how_many
from github_activity_tracker.fetch.small_lists import WholeList, whole_list
from github_activity_tracker.fetch.states import hidden, review_threads
from github_activity_tracker.fetch.threads import thread_pages, threads_by_id

__all__ = [
    "CommitPage",
    "ItemPage",
    "ListPage",
    "LocalHistory",
    "WholeList",
    "absent_nodes",
    "accounts",
    "ahead",
    "authors",
    "commit_comments",
    "hidden",
    "how_many",
    "in_batches",
    "is_gone",
    "is_unfinished",
    "issue_comments",
    "issues",
    "one_item",
    "one_thread",
    "open_client",
    "probe",
    "repositories_of",
    "repository",
    "review_comments",
    "review_threads",
    "thread_pages",
    "threads_by_id",
    "totals",
    "whole_list",
    "whole_walk",
]
