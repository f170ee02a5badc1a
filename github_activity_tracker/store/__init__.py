"""Every write of the tracker; a page, its marks and its checkpoint in one transaction."""

from github_activity_tracker.store.accounts import forget_written
from github_activity_tracker.store.authors import store_authors, unknown_authors
from github_activity_tracker.store.checkpoints import COLLECTOR, forget_state, load_state, save_state, shortfalls
from github_activity_tracker.store.commit_comments import delete_commit_comments, live_commit_comments
from github_activity_tracker.store.commits import (
    close_plan,
    known_refs,
    open_plan,
    record_missing_refs,
    store_commits,
)
from github_activity_tracker.store.discussions import store_discussions
from github_activity_tracker.store.gaps import UNSERVED, clear_unserved
from github_activity_tracker.store.pages import record_refused, skip_malformed, store_page
from github_activity_tracker.store.planning import store_releases, store_rows
from github_activity_tracker.store.reactions import store_reactions
from github_activity_tracker.store.reconcile import (
    account_node_ids,
    bury_discussions,
    bury_posts,
    bury_thread,
    comments_told,
    different_comment_counts,
    live_counts,
    live_discussion_counts,
    live_numbers,
    live_threads,
    node_ids,
    read_timelines,
    restore_thread,
    store_account_changes,
    store_page_again,
)
from github_activity_tracker.store.repositories import has_threads, mark_repository_deleted, store_repository
from github_activity_tracker.store.states import (
    Stale,
    stale_comments,
    stale_pulls,
    store_hidden,
    store_review_threads,
)
from github_activity_tracker.store.threads import store_threads

__all__ = [
    "COLLECTOR",
    "UNSERVED",
    "Stale",
    "account_node_ids",
    "bury_discussions",
    "bury_posts",
    "bury_thread",
    "clear_unserved",
    "close_plan",
    "comments_told",
    "delete_commit_comments",
    "different_comment_counts",
    "forget_state",
    "forget_written",
    "has_threads",
    "known_refs",
    "live_commit_comments",
    "live_counts",
    "live_discussion_counts",
    "live_numbers",
    "live_threads",
    "load_state",
    "mark_repository_deleted",
    "node_ids",
    "open_plan",
    "read_timelines",
    "record_missing_refs",
    "record_refused",
    "restore_thread",
    "save_state",
    "shortfalls",
    "skip_malformed",
    "stale_comments",
    "stale_pulls",
    "store_account_changes",
    "store_authors",
    "store_commits",
    "store_discussions",
    "store_hidden",
    "store_page",
    "store_page_again",
    "store_reactions",
    "store_releases",
    "store_repository",
    "store_review_threads",
    "store_rows",
    "store_threads",
    "unknown_authors",
]
