"""Commits with their changed files, and the branches and tags from which the commits are reachable.

The tables of commits and changed files are the largest. Their foreign keys have no separate index, because another
index already begins with the same column.
"""

from django.db import models

from github_activity_tracker.models.issues import DELETED
from github_activity_tracker.models.repositories import Account, Repository


class Commit(models.Model):
    """A commit of a repository. Dates are in UTC, and the original offsets from UTC are in minutes.

    A date or an offset is None if it is missing or invalid in the commit. In this case, the original text is stored.
    """

    id = models.BigAutoField(primary_key=True)
    repository_id: int
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits", db_index=False)
    sha = models.CharField(max_length=64)
    tree_sha = models.CharField(max_length=64, blank=True)
    parents = models.JSONField(default=list, blank=True, help_text="Hashes of the parent commits, in git's order.")
    author = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="commits", db_index=False
    )
    author_name = models.TextField(blank=True)
    author_email = models.TextField(blank=True)
    authored_at = models.DateTimeField(null=True)
    author_utc_offset = models.SmallIntegerField(null=True, blank=True, default=0)
    authored_raw = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Original text of the date if the other columns cannot represent it.",
    )
    committer_name = models.TextField(blank=True)
    committer_email = models.TextField(blank=True)
    committed_at = models.DateTimeField(null=True)
    committer_utc_offset = models.SmallIntegerField(null=True, blank=True, default=0)
    committed_raw = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Original text of the date if the other columns cannot represent it.",
    )
    message = models.TextField(blank=True)
    encoding = models.CharField(
        max_length=64, blank=True, help_text="Encoding that the commit declares. Empty for UTF-8."
    )
    additions = models.PositiveBigIntegerField(default=0)
    deletions = models.PositiveBigIntegerField(default=0)
    changed_files = models.PositiveIntegerField(default=0)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was noticed that no branch or tag contains the commit (UTC)."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "sha"], name="commit_identity")]
        indexes = [
            models.Index(fields=["-committed_at"]),
            models.Index(fields=["author", "-committed_at"]),
            models.Index(fields=["-committed_at"], condition=DELETED, name="github_commit_deleted"),
        ]
        ordering = ["-committed_at"]

    def __str__(self) -> str:
        return f"{self.sha[:10]} {self.message.partition(chr(10))[0][:100]}"


class AuthorEmail(models.Model):
    """An author's email address that was looked up on GitHub. ``account`` is None if GitHub found no account."""

    email = models.CharField(primary_key=True, max_length=254)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="emails")
    asked_at = models.DateTimeField(help_text="When the address was looked up on GitHub (UTC).")

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email


class CommitFile(models.Model):
    """A file that a commit changed, with the values of ``git log --raw --numstat``."""

    id = models.BigAutoField(primary_key=True)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="files", db_index=False)
    ordinal = models.PositiveIntegerField(help_text="Position in git's list of changed files, starting at 0.")
    path = models.TextField()
    previous_path = models.TextField(null=True, blank=True, help_text="Path before the rename or copy.")
    status = models.CharField(max_length=8, help_text="Git's status letter: A, M, D, R, C or T.")
    similarity = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Similarity of a renamed or copied file in percent."
    )
    old_mode = models.CharField(max_length=8, blank=True)
    new_mode = models.CharField(max_length=8, blank=True)
    additions = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Number of added lines. Empty for binary files."
    )
    deletions = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["commit", "ordinal"], name="commit_file_identity")]
        ordering = ["commit", "ordinal"]

    def __str__(self) -> str:
        return self.path


class GitRef(models.Model):
    """A branch or tag, and the commit up to which its history has been stored."""

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    name = models.TextField(help_text="Full name, such as refs/heads/main.")
    sha = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="git_ref_identity")]
        ordering = ["repository", "name"]

    def __str__(self) -> str:
        return self.name


class RefChange(models.Model):
    """A change of a branch or tag between two runs. If ``forced``, the old tip is not an ancestor of the new tip."""

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="ref_changes")
    name = models.TextField(help_text="Full name, such as refs/heads/main.")
    old_sha = models.CharField(max_length=64, blank=True, help_text="Empty for a new branch or tag.")
    new_sha = models.CharField(max_length=64, blank=True, help_text="Empty for a deleted branch or tag.")
    forced = models.BooleanField(default=False, help_text="Whether the new tip does not contain the old tip.")
    noticed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["repository", "-noticed_at"])]
        ordering = ["-noticed_at"]

    def __str__(self) -> str:
        return f"{self.name} {self.old_sha[:10]} -> {self.new_sha[:10]}"
