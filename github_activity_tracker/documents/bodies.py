"""The full texts of activities."""

from collections.abc import Mapping, Sequence

from django.db import models

from github_activity_tracker.documents.names import at, at_commits, known_names, places
from github_activity_tracker.models import (
    Commit,
    CommitComment,
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    Release,
    Review,
    ReviewComment,
)

BY_ID: dict[str, type[models.Model]] = {
    "issue_comment": IssueComment,
    "review": Review,
    "review_comment": ReviewComment,
    "commit_comment": CommitComment,
    "release": Release,
    "discussion_comment": DiscussionComment,
}


def bodies(external_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the bodies of posts and the messages of commits, by external id. Events have no text.

    Uses at most ten SQL statements.
    """
    names = known_names(external_ids)
    texts: dict[str, str] = {}
    for kind, is_pull in (("issue", False), ("pull_request", True)):
        for issue in Issue.objects.filter(at(places(names[kind])), is_pull_request=is_pull) if names[kind] else ():
            texts[f"github:{kind}:{issue.repository_id}:{issue.number}"] = issue.body or ""
    for discussion in Discussion.objects.filter(at(places(names["discussion"]))) if names["discussion"] else ():
        texts[f"github:discussion:{discussion.repository_id}:{discussion.number}"] = discussion.body or ""
    for kind, model in BY_ID.items():
        wanted = [int(first) for first, _ in names[kind]]
        rows = model._default_manager.filter(pk__in=wanted).values_list("pk", "body") if wanted else ()
        for pk, body in rows:
            texts[f"github:{kind}:{pk}"] = body or ""
    for commit in Commit.objects.filter(at_commits(names["commit"])) if names["commit"] else ():
        texts[f"github:commit:{commit.repository_id}:{commit.sha}"] = commit.message
    return texts
