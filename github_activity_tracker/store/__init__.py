"""Every write of the tracker; a page, its marks and its checkpoint in one transaction."""

from github_activity_tracker.store.checkpoints import load_state
from github_activity_tracker.store.commits import known_refs, store_commits, store_refs
from github_activity_tracker.store.pages import Stored, store_page
from github_activity_tracker.store.repositories import store_repository

__all__ = ["Stored", "known_refs", "load_state", "store_commits", "store_page", "store_refs", "store_repository"]
