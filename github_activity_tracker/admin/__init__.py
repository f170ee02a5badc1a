"""The admin pages of the GitHub tracker. Only the selection of repositories to collect can be changed."""

from github_activity_tracker.admin import discussions, issues, planning, pulls, repositories

__all__ = ["discussions", "issues", "planning", "pulls", "repositories"]
