"""Discussions, their comments and replies."""

from django.db import models

from github_activity_tracker.models.issues import Hideable, Post


class Discussion(Post):
    """A discussion."""

    number = models.PositiveIntegerField()
    title = models.TextField()
    category = models.CharField(max_length=200, blank=True)
    state_reason = models.CharField(max_length=64, blank=True)
    answer_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the comment that was chosen as the answer."
    )
    locked = models.BooleanField(default=False)
    labels = models.JSONField(default=list, blank=True, help_text="Names of the labels.")
    upvotes = models.PositiveIntegerField(default=0)
    comments_count = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta(Post.Meta):
        indexes = [models.Index(fields=["repository", "number"]), models.Index(fields=["-created_at"])]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class DiscussionComment(Hideable):
    """A comment in a discussion, or a reply to a comment."""

    discussion_number = models.PositiveIntegerField()
    reply_to_id = models.BigIntegerField(null=True, blank=True)
    is_answer = models.BooleanField(default=False)
    upvotes = models.PositiveIntegerField(default=0)

    class Meta(Hideable.Meta):
        indexes = [
            models.Index(fields=["repository", "discussion_number", "created_at"]),
            models.Index(fields=["-created_at"]),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.discussion_number} comment {self.pk}"
