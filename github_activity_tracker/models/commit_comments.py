"""Comments on commits."""

from django.db import models

from github_activity_tracker.models.issues import HasState


class CommitComment(HasState):
    """A comment on a commit or on a line of its diff.

    The commit may not be stored, because some commits exist only in forks.
    """

    commit_sha = models.CharField(max_length=64)
    path = models.TextField(null=True, blank=True, help_text="Empty for a comment on the whole commit.")
    line = models.IntegerField(null=True, blank=True)
    position = models.IntegerField(null=True, blank=True, help_text="Line number in the diff, starting at 1.")

    class Meta(HasState.Meta):
        indexes = [
            models.Index(fields=["repository", "commit_sha", "created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["author", "-created_at"]),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.commit_sha[:10]} comment {self.pk}"
