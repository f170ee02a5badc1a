"""Pages of GitHub's payloads, and the states that cover them; the only room that talks to ``core.operations``."""

from github_activity_tracker.fetch.authors import authors
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.commit_comments import commit_comments, is_unfinished, whole_walk
from github_activity_tracker.fetch.commits import CommitPage, LocalHistory
from github_activity_tracker.fetch.facts import PAYLOAD_ERRORS
from github_activity_tracker.fetch.listing import Denied, Details, ItemPage
from github_activity_tracker.fetch.lists import ListPage, issue_comments, issues, review_comments
from github_activity_tracker.fetch.organisations import repositories_of
from github_activity_tracker.fetch.reconcile import (
    TotalsPage,
    absent_nodes,
    absent_numbers,
    accounts,
    is_gone,
    is_switched_on,
    issue,
    posts,
    totals,
)
from github_activity_tracker.fetch.repositories import (
    Facts,
    Probe,
    features,
    graphql_works,
    is_reachable,
    probe,
    repository,
)
from github_activity_tracker.fetch.single import one_item, one_thread
from github_activity_tracker.fetch.sizes import how_many
from github_activity_tracker.fetch.small_lists import WholeList, whole_list
from github_activity_tracker.fetch.states import hidden, review_threads
from github_activity_tracker.fetch.threads import thread_behind, thread_details, thread_pages, threads_by_id

__all__ = [
    "PAYLOAD_ERRORS",
    "CommitPage",
    "Denied",
    "Details",
    "Facts",
    "ItemPage",
    "ListPage",
    "LocalHistory",
    "Probe",
    "TotalsPage",
    "WholeList",
    "absent_nodes",
    "absent_numbers",
    "accounts",
    "authors",
    "commit_comments",
    "features",
    "graphql_works",
    "hidden",
    "how_many",
    "is_gone",
    "is_reachable",
    "is_switched_on",
    "is_unfinished",
    "issue",
    "issue_comments",
    "issues",
    "one_item",
    "one_thread",
    "open_client",
    "posts",
    "probe",
    "repositories_of",
    "repository",
    "review_comments",
    "review_threads",
    "thread_behind",
    "thread_details",
    "thread_pages",
    "threads_by_id",
    "totals",
    "whole_list",
    "whole_walk",
]
