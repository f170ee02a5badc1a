"""The admin of what is kept of GitHub. Only which repositories are collected can be changed."""

from github_activity_tracker.admin import discussions, issues, planning, pulls, repositories

__all__ = ["discussions", "issues", "planning", "pulls", "repositories"]
