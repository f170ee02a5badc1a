"""The admin of GitHub's rows. Only the selection of repositories to collect can be changed."""

from github_activity_tracker.admin import discussions, issues, planning, pulls, repositories

__all__ = ["discussions", "issues", "planning", "pulls", "repositories"]
