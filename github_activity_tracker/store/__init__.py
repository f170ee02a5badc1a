"""Every write of the tracker; a page, its marks and its checkpoint in one transaction."""

from github_activity_tracker.store.checkpoints import load_state
from github_activity_tracker.store.commits import close_plan, open_plan, store_commits
from github_activity_tracker.store.pages import Stored, store_page
from github_activity_tracker.store.repositories import store_repository

__all__ = ["Stored", "close_plan", "load_state", "open_plan", "store_commits", "store_page", "store_repository"]
