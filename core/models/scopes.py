"""Scopes, which are repositories and channels, and the checkpoints of their streams."""

from django.db import models


class Scope(models.Model):
    """A unit of collection: a repository or a channel.

    Other tables refer to this table, so that a rename changes only one row. ``external_id`` consists of the source's
    numeric ids: ``123456`` for a repository, ``<guild_id>/<channel_id>`` for a channel. ``name`` is the human-readable
    name.
    """

    source_system = models.CharField(max_length=32)
    external_id = models.CharField(max_length=128)
    name = models.CharField(max_length=300, help_text="owner/name, or guild/channel")
    url = models.URLField(max_length=500, blank=True)
    last_completed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the scope was last collected completely (UTC). Empty if never."
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="A rate limit delays this scope until this time (UTC)."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "external_id"], name="scope_identity")]
        indexes = [models.Index(fields=["source_system", "name"])]
        ordering = ["source_system", "name"]

    def __str__(self) -> str:
        return self.name


class Checkpoint(models.Model):
    """A stored ``IncrementalState``: the position within one stream of one scope.

    A checkpoint is written in the transaction that stores its page, never earlier. Only the tracker's fetcher
    interprets ``checkpoint_token``.
    """

    collector = models.CharField(max_length=64)
    scope = models.CharField(max_length=128, help_text="The scope's external id.")
    stream = models.CharField(max_length=64)
    checkpoint_token = models.TextField(blank=True)
    human_readable_marker = models.CharField(max_length=200, blank=True)
    extras = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collector", "scope", "stream"], name="checkpoint_identity")]
        ordering = ["collector", "scope", "stream"]

    def __str__(self) -> str:
        return f"{self.collector} {self.scope} {self.stream}"
