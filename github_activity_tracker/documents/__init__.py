"""Rows become search documents: issues, pull requests and discussions with their talk, commits, releases."""

from github_activity_tracker.documents.bodies import bodies
from github_activity_tracker.documents.earlier import revisions
from github_activity_tracker.documents.notes import notes
from github_activity_tracker.documents.source import GitHubDocuments

__all__ = ["GitHubDocuments", "bodies", "notes", "revisions"]
