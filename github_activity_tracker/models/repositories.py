"""Accounts and repositories."""

from django.db import models


class Account(models.Model):
    """A person, bot, organisation or mannequin. The login can change, but the id cannot."""

    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id.")
    login = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=32, help_text="User, Bot, Organization or Mannequin. Other kinds are stored unchanged."
    )
    node_id = models.CharField(max_length=100, blank=True)
    avatar_url = models.CharField(max_length=500, blank=True)
    html_url = models.TextField(blank=True)
    logins = models.JSONField(
        default=dict, blank=True, help_text="Login in each of GitHub's lists. A bot can have several logins."
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When the deletion was noticed (UTC). Cleared if the account appears again."
    )

    class Meta:
        indexes = [models.Index(fields=["login"])]
        ordering = ["login"]

    def __str__(self) -> str:
        return self.login


class Repository(models.Model):
    """A repository. Columns that have not been read from GitHub yet have their default value.

    If only the commits of a local clone were read, the repository is known only by its name. It has a provisional
    negative id until the real id is read from GitHub.
    """

    id = models.BigIntegerField(primary_key=True, help_text="GitHub's numeric id. Negative if the id is not known yet.")
    full_name = models.CharField(max_length=300, help_text="owner/name")
    enabled = models.BooleanField(default=True, help_text="Collect this repository in runs that name no repository.")
    node_id = models.CharField(max_length=100, blank=True)
    owner = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="repositories")
    description = models.TextField(null=True, blank=True)
    default_branch = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=100, null=True, blank=True)
    topics = models.JSONField(default=list, blank=True)
    html_url = models.TextField(blank=True)
    private = models.BooleanField(default=False)
    fork = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    homepage = models.TextField(null=True, blank=True)
    visibility = models.CharField(max_length=32, null=True, blank=True, help_text="public, private or internal.")
    license_id = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        help_text="SPDX identifier. NOASSERTION if GitHub does not recognize the license.",
    )
    license_name = models.CharField(max_length=300, null=True, blank=True)
    has_issues = models.BooleanField(null=True, blank=True)
    has_pull_requests = models.BooleanField(null=True, blank=True)
    has_discussions = models.BooleanField(null=True, blank=True)
    has_projects = models.BooleanField(null=True, blank=True)
    has_wiki = models.BooleanField(null=True, blank=True)
    has_pages = models.BooleanField(null=True, blank=True)
    has_downloads = models.BooleanField(null=True, blank=True)
    is_template = models.BooleanField(null=True, blank=True)
    disabled = models.BooleanField(null=True, blank=True)
    mirror_url = models.TextField(null=True, blank=True, help_text="URL of the mirrored repository.")
    parent_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the repository from which this repository was forked."
    )
    parent_full_name = models.CharField(max_length=300, null=True, blank=True, help_text="owner/name")
    source_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the first repository of the fork network."
    )
    source_full_name = models.CharField(max_length=300, null=True, blank=True, help_text="owner/name")
    stargazers_count = models.PositiveIntegerField(default=0)
    watchers_count = models.PositiveIntegerField(default=0)
    forks_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")

    class Meta:
        indexes = [models.Index(fields=["full_name"])]
        ordering = ["full_name"]
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.full_name

    @property
    def is_restricted(self) -> bool:
        """Whether only some people may read the repository. Only members of the enterprise can read an internal one."""
        return self.private or self.visibility in {"private", "internal"}

    @property
    def is_provisional(self) -> bool:
        """Whether the id is a placeholder, because GitHub's numeric id is not known yet."""
        return self.pk < 0


class FormerLogin(models.Model):
    """A former login of an account. It was used until about ``noticed_at``."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="former_logins")
    login = models.CharField(max_length=200)
    noticed_at = models.DateTimeField(help_text="When the new login was first seen (UTC).")

    class Meta:
        indexes = [models.Index(fields=["login"])]
        ordering = ["account", "-noticed_at"]

    def __str__(self) -> str:
        return self.login


class FormerName(models.Model):
    """A former name of a repository that was renamed or transferred. It was used until about ``noticed_at``."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="former_names")
    full_name = models.CharField(max_length=300)
    noticed_at = models.DateTimeField(help_text="When the new name was first seen (UTC).")

    class Meta:
        indexes = [models.Index(fields=["full_name"])]
        ordering = ["repository", "-noticed_at"]

    def __str__(self) -> str:
        return self.full_name
