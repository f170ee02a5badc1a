"""What somebody should know: troubles that are open, and the messages that tell of them."""

import uuid

from django.db import models

from core.models.runs import CollectorRun


class Alert(models.Model):
    """A trouble from the moment it was noticed to its end; at most one is open of a kind, collector and scope."""

    class Kind(models.TextChoices):
        """``run``: the last run failed here or fell short; ``stale``: not collected for longer than its limit."""

        RUN = "run"
        STALE = "stale"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    collector = models.CharField(max_length=64)
    scope = models.CharField(max_length=300, blank=True, help_text="Its name; empty: the run as a whole.")
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
    """One message to people, written in the transaction that noticed its cause and sent afterwards, oldest first.

    ``key`` travels with the message: after a crash between sending and writing that down, the channel is asked for it.
    """

    class State(models.TextChoices):
        """``refused``: the receiver will never take it, or it has become too old."""

        WAITING = "waiting"
        POSTED = "posted"
        REFUSED = "refused"

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField(max_length=64, null=True, blank=True, unique=True, help_text="Of what is told only once.")
    title = models.CharField(max_length=200)
    lines = models.JSONField(default=list)
    advice = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="The admin page that shows more.")
    created_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True, help_text="The first attempt (UTC).")
    posted_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="notice_waiting", condition=models.Q(state="waiting"))]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title
