"""Issues and pull requests with their comments.

Comments refer to their issue by its number, because the lists of comments do not contain the id of the issue. A comment
may also be stored before its issue.
"""

from django.db import models

from github_activity_tracker.models.repositories import Account, Repository

DELETED = models.Q(deleted_at__isnull=False)
"""Condition of the indexes for lists of deleted items. They take no space for other items, which are nearly all."""


class Post(models.Model):
    """Columns that all posts share. ``author`` is None if the account no longer exists."""

    repository_id: int
    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id.")
    node_id = models.CharField(max_length=100, blank=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="%(class)ss")
    author = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="%(class)ss")
    author_association = models.CharField(max_length=32, blank=True)
    body = models.TextField(null=True, blank=True)
    html_url = models.TextField(blank=True)
    reactions = models.JSONField(
        default=dict, blank=True, help_text="Number of reactions of each kind. Kinds without reactions are omitted."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        abstract = True


class Hideable(Post):
    """A comment or review that people with write access can hide. GitHub's API calls this "minimize".

    https://docs.github.com/en/communities/moderating-comments-and-conversations/managing-disruptive-comments
    """

    is_minimized = models.BooleanField(
        null=True, blank=True, help_text="Whether GitHub hides the text. Empty if unknown."
    )
    minimized_reason = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Reason for hiding the text, such as spam, off-topic or resolved.",
    )

    class Meta(Post.Meta):
        abstract = True


class HasState(Hideable):
    """A comment from a REST list.

    REST does not return whether a comment is hidden, so this state is read with a separate GraphQL query.
    """

    state_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When is_minimized was last read from GitHub (UTC)."
    )

    class Meta(Hideable.Meta):
        abstract = True


class Issue(Post):
    """An issue or pull request, with the columns of GitHub's list of issues."""

    number = models.PositiveIntegerField()
    is_pull_request = models.BooleanField()
    title = models.TextField()
    state = models.CharField(max_length=32)
    state_reason = models.CharField(max_length=64, null=True, blank=True)
    locked = models.BooleanField(default=False)
    active_lock_reason = models.CharField(max_length=64, null=True, blank=True)
    draft = models.BooleanField(default=False)
    labels = models.JSONField(default=list, blank=True, help_text="Names of the labels.")
    assignees = models.JSONField(default=list, blank=True, help_text="Numeric ids of the accounts.")
    milestone = models.TextField(null=True, blank=True, help_text="Title of the milestone.")
    comments_count = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    issue_type = models.CharField(
        max_length=100, null=True, blank=True, help_text="Bug, Feature, Task or a custom type of the organization."
    )
    sub_issues_summary = models.JSONField(
        null=True,
        blank=True,
        help_text="Progress of the sub-issues: total, completed, percent_completed. Empty if unknown.",
    )
    issue_dependencies_summary = models.JSONField(
        null=True,
        blank=True,
        help_text="Number of issues that block this issue or are blocked by it. Empty if unknown.",
    )
    closed_by = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="closed_issues", db_index=False
    )
    performed_via_github_app = models.CharField(
        max_length=100, null=True, blank=True, help_text="Slug of the GitHub App that opened the issue."
    )
    transferred_to = models.TextField(
        blank=True, help_text="New URL if the issue was transferred to another repository."
    )

    class Meta(Post.Meta):
        indexes = [
            models.Index(fields=["repository", "number"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["-created_at"], condition=DELETED, name="github_issue_deleted"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class IssueComment(HasState):
    """A comment under an issue or a pull request."""

    issue_number = models.PositiveIntegerField()
    performed_via_github_app = models.CharField(
        max_length=100, null=True, blank=True, help_text="Slug of the GitHub App that wrote the comment."
    )

    class Meta(HasState.Meta):
        indexes = [
            models.Index(fields=["repository", "issue_number", "created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["-created_at"], condition=DELETED, name="github_comment_deleted"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.issue_number} comment {self.pk}"


class ReviewComment(HasState):
    """A comment on the diff of a pull request. Current lines and positions are None if the comment is outdated."""

    pull_number = models.PositiveIntegerField()
    thread_node_id = models.CharField(
        max_length=100, blank=True, default="", db_default="",
        help_text="GitHub's node id of the review thread. Empty if unknown.",
    )  # fmt: skip
    is_resolved = models.BooleanField(
        null=True, blank=True, help_text="Whether the review thread is resolved. Empty if unknown."
    )
    resolved_by = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="resolved_comments", db_index=False
    )
    review_id = models.BigIntegerField(null=True, blank=True)
    in_reply_to_id = models.BigIntegerField(null=True, blank=True)
    path = models.TextField()
    diff_hunk = models.TextField(blank=True)
    commit_id = models.CharField(max_length=64, blank=True)
    original_commit_id = models.CharField(max_length=64, blank=True)
    subject_type = models.CharField(max_length=16, blank=True, help_text="Either line or file.")
    side = models.CharField(max_length=16, null=True, blank=True)
    start_side = models.CharField(max_length=16, null=True, blank=True)
    line = models.IntegerField(null=True, blank=True)
    original_line = models.IntegerField(null=True, blank=True)
    start_line = models.IntegerField(null=True, blank=True)
    original_start_line = models.IntegerField(null=True, blank=True)
    position = models.IntegerField(null=True, blank=True)
    original_position = models.IntegerField(null=True, blank=True)

    class Meta(HasState.Meta):
        indexes = [
            models.Index(fields=["repository", "pull_number", "created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["-created_at"], condition=DELETED, name="github_reviewcomment_deleted"),
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"#{self.pull_number} review comment {self.pk}"
