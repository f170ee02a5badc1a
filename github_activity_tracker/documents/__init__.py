"""Renders issues, pull requests, discussions, commits and releases as search documents and for thread pages."""

from github_activity_tracker.documents.bodies import bodies
from github_activity_tracker.documents.details import details
from github_activity_tracker.documents.earlier import revisions
from github_activity_tracker.documents.heads import heads
from github_activity_tracker.documents.lines import lines
from github_activity_tracker.documents.markup import markup
from github_activity_tracker.documents.notes import notes
from github_activity_tracker.documents.source import GitHubDocuments

__all__ = ["GitHubDocuments", "bodies", "details", "heads", "lines", "markup", "notes", "revisions"]
