"""The ledger of runs, the skipped items, and the API budgets."""

from django.db import models


class CollectorRun(models.Model):
    """One execution of a collecting command."""

    class Outcome(models.TextChoices):
        """The state of a run: in progress, or how it ended.

        ``interrupted``: a signal stopped the run, or the next run noticed that its process no longer exists. ``busy``:
        other runs held the locks of all scopes.
        """

        RUNNING = "running"
        SUCCEEDED = "succeeded"
        PARTIAL = "partial"
        FAILED = "failed"
        INTERRUPTED = "interrupted"
        BUSY = "busy"

    collector = models.CharField(max_length=64)
    options = models.JSONField(default=dict, blank=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    counts = models.JSONField(default=dict, blank=True)
    requests = models.PositiveIntegerField(default=0, help_text="Number of requests that the run sent.")
    failure_category = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True, help_text="One line, without secrets.")
    scopes = models.JSONField(default=list, blank=True, help_text="Result of each scope. Incomplete scopes come first.")
    progress = models.JSONField(default=dict, blank=True, help_text="Current progress, updated at most once a second.")
    progress_at = models.DateTimeField(null=True, blank=True, help_text="When the progress was last updated (UTC).")
    alerted = models.BooleanField(default=False, help_text="Whether the alerts were updated after this run.")

    class Meta:
        indexes = [
            models.Index(fields=["collector", "-started_at"]),
            models.Index(fields=["collector", "-id"]),
            models.Index(fields=["outcome"]),
            models.Index(fields=["id"], name="run_not_alerted", condition=models.Q(alerted=False)),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.collector} run of {self.started_at:%Y-%m-%d %H:%M} UTC: {self.outcome}"


class SkippedItem(models.Model):
    """An item that could not be collected, with the reason.

    Later runs retry the item. Items with ``retry_requested_at`` are retried first. ``cleared_at`` is set when a retry
    succeeds.
    """

    run = models.ForeignKey(CollectorRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="skipped")
    collector = models.CharField(max_length=64)
    scope = models.CharField(max_length=300, help_text="The scope's external id, or its name if the id is unknown.")
    stream = models.CharField(max_length=64)
    external_id = models.CharField(max_length=300)
    reason = models.CharField(max_length=64)
    detail = models.TextField(blank=True)
    payload = models.JSONField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=1)
    cleared_at = models.DateTimeField(null=True, blank=True)
    retry_requested_at = models.DateTimeField(
        null=True, blank=True, help_text="When a retry by the next run was requested (UTC)."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collector", "scope", "stream", "external_id"], name="skipped_item_identity"
            )
        ]
        indexes = [models.Index(fields=["cleared_at", "-last_seen_at"])]
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}: {self.reason}"


class ApiBudget(models.Model):
    """The requests that one account may still make with one quota.

    All processes share this row. They update it after requests, usually from response headers.
    """

    source_system = models.CharField(max_length=32)
    account = models.CharField(max_length=128, help_text="The account or masked token that has the quota.")
    resource = models.CharField(max_length=32, help_text="Name of the quota, such as core or graphql.")
    limit = models.PositiveIntegerField(null=True, blank=True)
    remaining = models.PositiveIntegerField(null=True, blank=True)
    resets_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="No requests are sent before this time (UTC).")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "account", "resource"], name="budget_identity")]
        ordering = ["source_system", "account", "resource"]

    def __str__(self) -> str:
        return f"{self.source_system} {self.account} {self.resource}"
