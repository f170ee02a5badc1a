"""Notes about comments and reviews, such as "hidden as spam" or "resolved"."""

from collections.abc import Mapping, Sequence

from django.db import models

from github_activity_tracker.documents.names import known_names
from github_activity_tracker.documents.talk import hidden_note
from github_activity_tracker.models import CommitComment, DiscussionComment, IssueComment, Review, ReviewComment

MODELS: dict[str, type[models.Model]] = {
    "issue_comment": IssueComment,
    "review": Review,
    "review_comment": ReviewComment,
    "commit_comment": CommitComment,
    "discussion_comment": DiscussionComment,
}


def notes(external_ids: Sequence[str]) -> Mapping[str, str]:
    """Return notes about hidden comments and reviews, and about comments of resolved threads, by external id.

    Uses at most five SQL statements.
    """
    names = known_names(external_ids)
    found: dict[str, str] = {}
    for kind, model in MODELS.items():
        wanted = [int(first) for first, _ in names[kind]]
        for row in model._default_manager.filter(pk__in=wanted) if wanted else ():
            parts = [hidden_note(row), "resolved" if getattr(row, "is_resolved", False) else ""]  # pyright: ignore[reportArgumentType]  # all of them can be hidden
            if note := ", ".join(part for part in parts if part):
                found[f"github:{kind}:{row.pk}"] = note
    return found
