"""Details of pull requests in addition to their rows as issues, and timelines of issues and pull requests."""

from django.contrib.postgres.indexes import HashIndex
from django.db import models

from github_activity_tracker.models.issues import DELETED, Hideable
from github_activity_tracker.models.repositories import Account, Repository


class PullRequest(models.Model):
    """Details of a pull request. Its text, labels and state are in the ``Issue`` with the same number."""

    repository_id: int
    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id of the pull request.")
    node_id = models.CharField(max_length=100, blank=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pull_requests")
    number = models.PositiveIntegerField()
    draft = models.BooleanField(default=False)
    merged_at = models.DateTimeField(null=True, blank=True)
    merged_by = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="merges")
    merge_commit_sha = models.CharField(max_length=64, blank=True)
    head_ref = models.TextField(blank=True)
    head_sha = models.CharField(max_length=64, blank=True)
    head_repository = models.CharField(
        max_length=300, blank=True, help_text="owner/name. Empty if the repository was deleted."
    )
    base_ref = models.TextField(blank=True)
    base_sha = models.CharField(max_length=64, blank=True)
    additions = models.PositiveBigIntegerField(default=0)
    deletions = models.PositiveBigIntegerField(default=0)
    changed_files = models.PositiveIntegerField(default=0)
    review_decision = models.CharField(max_length=64, blank=True)
    review_requests = models.JSONField(default=list, blank=True, help_text="Requested reviewers: kind, id, name.")
    closes = models.JSONField(
        default=list, blank=True, help_text="Issues that are closed by merging: repository, number."
    )
    updated_at = models.DateTimeField()
    threads_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When the review threads were last read (UTC)."
    )
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        # A hash index accepts names of any length.
        indexes = [
            models.Index(fields=["repository", "number"]),
            HashIndex(fields=["head_ref"], name="github_pull_head_ref"),
            models.Index(fields=["merge_commit_sha"], name="github_pull_merge_commit"),
            models.Index(fields=["head_sha"], name="github_pull_head_commit"),
        ]
        ordering = ["repository", "-number"]

    def __str__(self) -> str:
        return f"#{self.number}"


class Review(Hideable):
    """A review of a pull request. Its comments on the diff are in ``ReviewComment``."""

    pull_number = models.PositiveIntegerField()
    state = models.CharField(max_length=32, help_text="GitHub's state, such as APPROVED or CHANGES_REQUESTED.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)

    class Meta(Hideable.Meta):
        indexes = [
            models.Index(fields=["repository", "pull_number", "created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["-created_at"], condition=DELETED, name="github_review_deleted"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.pull_number} review {self.pk}"


class TimelineEvent(models.Model):
    """An event of an issue or pull request, such as closed, labeled, renamed or force-pushed."""

    repository_id: int
    node_id = models.CharField(
        primary_key=True, max_length=200, help_text="GitHub's node id. Some events have no numeric id."
    )
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.PositiveIntegerField(help_text="Number of the issue or pull request.")
    event = models.CharField(max_length=64, help_text="Name of the event in GitHub's REST API.")
    actor = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    data = models.JSONField(default=dict, blank=True, help_text="Details that GitHub provides for this type of event.")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        indexes = [
            models.Index(fields=["repository", "number", "created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["event", "-created_at"]),
            models.Index(fields=["-created_at"], condition=DELETED, name="github_event_deleted"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.number} {self.event}"


class Timeline(models.Model):
    """The size of the timeline of an issue or pull request when the timeline was last read."""

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="timelines")
    number = models.PositiveIntegerField()
    node_id = models.CharField(max_length=100, blank=True)
    entries = models.PositiveIntegerField(
        default=0, help_text="Number of timeline entries, including comments and reviews."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="timeline_identity")]
        ordering = ["repository", "number"]

    def __str__(self) -> str:
        return f"#{self.number}"
