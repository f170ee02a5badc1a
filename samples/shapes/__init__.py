"""Create JSON objects as api.github.com returns them. The keys are those of GitHub's OpenAPI description."""

from samples.shapes.accounts import Site, full_user, simple_user
from samples.shapes.posts import comment, commit_comment, review_comment
from samples.shapes.pulls import pull
from samples.shapes.repositories import full_repository
from samples.shapes.threads import issue, label, milestone

__all__ = [
    "Site",
    "comment",
    "commit_comment",
    "full_repository",
    "full_user",
    "issue",
    "label",
    "milestone",
    "pull",
    "review_comment",
    "simple_user",
]
