"""Every write of the tracker; a page, its marks and its checkpoint in one transaction."""

from github_activity_tracker.store.accounts import forget_written
from github_activity_tracker.store.authors import store_authors, unknown_authors
from github_activity_tracker.store.checkpoints import load_state, save_state
from github_activity_tracker.store.commit_comments import delete_commit_comments, live_commit_comments
from github_activity_tracker.store.commits import (
    close_plan,
    known_refs,
    open_plan,
    record_missing_refs,
    store_commits,
)
from github_activity_tracker.store.discussions import store_discussions
from github_activity_tracker.store.pages import Stored, record_refused, skip_malformed, store_page
from github_activity_tracker.store.planning import store_releases, store_rows
from github_activity_tracker.store.reconcile import (
    account_node_ids,
    bury_discussions,
    bury_posts,
    bury_thread,
    comments_told,
    held,
    live_numbers,
    live_threads,
    node_ids,
    store_account_changes,
    threads_with_too_many_comments,
)
from github_activity_tracker.store.repositories import store_repository
from github_activity_tracker.store.states import (
    Stale,
    stale_comments,
    stale_pulls,
    store_hidden,
    store_review_threads,
)
from github_activity_tracker.store.threads import store_threads

__all__ = [
    "Stale",
    "Stored",
    "account_node_ids",
    "bury_discussions",
    "bury_posts",
    "bury_thread",
    "close_plan",
    "comments_told",
    "delete_commit_comments",
    "forget_written",
    "held",
    "known_refs",
    "live_commit_comments",
    "live_numbers",
    "live_threads",
    "load_state",
    "node_ids",
    "open_plan",
    "record_missing_refs",
    "record_refused",
    "save_state",
    "skip_malformed",
    "stale_comments",
    "stale_pulls",
    "store_account_changes",
    "store_authors",
    "store_commits",
    "store_discussions",
    "store_hidden",
    "store_page",
    "store_releases",
    "store_repository",
    "store_review_threads",
    "store_rows",
    "store_threads",
    "threads_with_too_many_comments",
    "unknown_authors",
]
