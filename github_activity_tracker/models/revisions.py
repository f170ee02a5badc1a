"""Earlier texts of edited posts."""

from django.db import models

from github_activity_tracker.models.repositories import Repository


class Revision(models.Model):
    """The text of a post before an edit. ``kind`` and ``object_id`` identify the post."""

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="revisions")
    kind = models.CharField(max_length=32, help_text="Type of the post, such as issue, issue_comment or review.")
    object_id = models.BigIntegerField(help_text="GitHub's numeric id of the edited post.")
    title = models.TextField(null=True, blank=True)
    body = models.TextField(null=True, blank=True)
    written_at = models.DateTimeField(help_text="When the post was last updated before the edit (UTC).")
    replaced_at = models.DateTimeField(help_text="When the post was updated by the edit (UTC).")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id", "written_at", "replaced_at"], name="revision_identity")
        ]
        ordering = ["kind", "object_id", "-replaced_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id} until {self.replaced_at:%Y-%m-%d %H:%M}"
