"""Alerts about problems, and the messages that report them."""

import uuid

from django.db import models

from core.models.runs import CollectorRun


class Alert(models.Model):
    """A problem, from its detection to its end. At most one alert is open for each kind, collector and scope."""

    class Kind(models.TextChoices):
        """The kinds of alerts.

        ``run``: the last run failed or was incomplete. ``stale``: the last complete collection of a scope is too old.
        """

        RUN = "run"
        STALE = "stale"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    collector = models.CharField(max_length=64)
    scope = models.CharField(
        max_length=300, blank=True, help_text="Name of the scope. Empty for a problem of the whole run."
    )
    category = models.CharField(max_length=32, blank=True)
    detail = models.TextField(blank=True, help_text="One line, without secrets.")
    run = models.ForeignKey(CollectorRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "collector", "scope"], condition=models.Q(resolved_at=None), name="alert_open_once"
            )
        ]
        indexes = [models.Index(fields=["-opened_at"])]
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.collector} {self.scope}"


class Notice(models.Model):
    """A message for Slack. It is created in the transaction that detects its cause, and sent later, oldest first.

    The message contains ``key``. If a process ends after it sent a message but before it recorded the success, the next
    process searches the channel for the key.
    """

    class State(models.TextChoices):
        """The states of messages. ``refused``: Slack will never accept the message, or the message is too old."""

        WAITING = "waiting"
        POSTED = "posted"
        REFUSED = "refused"

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        help_text="Unique name of a message that is sent only once, such as a daily digest.",
    )
    title = models.CharField(max_length=200)
    lines = models.JSONField(default=list)
    advice = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="Path of the admin page with more details.")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True, help_text="Time of the first attempt (UTC).")
    posted_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="notice_waiting", condition=models.Q(state="waiting"))]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title
