"""Releases, labels and milestones."""

from django.contrib.postgres.indexes import HashIndex
from django.db import models

from github_activity_tracker.models.issues import Post
from github_activity_tracker.models.repositories import Account, Repository


class Release(Post):
    """A release. GitHub returns drafts only to tokens with write access."""

    tag_name = models.TextField()
    name = models.TextField(blank=True)
    target_commitish = models.TextField(blank=True)
    draft = models.BooleanField(default=False)
    prerelease = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True, blank=True)
    assets = models.JSONField(
        default=list, blank=True, help_text="Attached files: name, size in bytes, number of downloads."
    )

    class Meta(Post.Meta):
        # A hash index accepts names of any length.
        indexes = [
            models.Index(fields=["repository", "-created_at"]),
            HashIndex(fields=["tag_name"], name="github_release_tag"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or self.tag_name


class Label(models.Model):
    """A label of a repository."""

    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id.")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="labels")
    name = models.TextField()
    color = models.CharField(max_length=16, blank=True)
    description = models.TextField(null=True, blank=True)
    is_default = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        ordering = ["repository", "name"]

    def __str__(self) -> str:
        return self.name


class Milestone(models.Model):
    """A milestone."""

    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id.")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="milestones")
    number = models.PositiveIntegerField()
    title = models.TextField()
    description = models.TextField(null=True, blank=True)
    state = models.CharField(max_length=32)
    creator = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="milestones")
    open_issues = models.PositiveIntegerField(default=0)
    closed_issues = models.PositiveIntegerField(default=0)
    html_url = models.TextField(blank=True)
    due_on = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        ordering = ["repository", "number"]

    def __str__(self) -> str:
        return self.title
