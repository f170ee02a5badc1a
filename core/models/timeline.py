"""The timeline of all sources, and the numbers of activities by week."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Lower

from core.models.scopes import Scope


class Activity(models.Model):
    """A stored ``ActivityRecord``: something that an account did at one moment.

    Only the tracker's table stores the full text. ``summary`` is a short line from this text.
    """

    source_system = models.CharField(max_length=32)
    external_id = models.CharField(max_length=200)
    # No separate index is needed, because the index activity_by_scope begins with this column.
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="activities", db_index=False)
    thread = models.CharField(
        max_length=200, blank=True, help_text="External id of the thread or conversation that contains the activity."
    )
    activity_type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")
    actor_external_id = models.CharField(
        max_length=64, blank=True, help_text="Numeric account id. Empty if there is no account."
    )
    actor_name = models.CharField(max_length=200, blank=True)
    source_url = models.URLField(max_length=1000, blank=True)
    summary = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "external_id"], name="activity_identity")]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="activity_by_time"),
            models.Index(fields=["scope", "-occurred_at"], name="activity_by_scope"),
            models.Index(fields=["activity_type", "-occurred_at"], name="activity_by_type"),
            models.Index(fields=["source_system", "actor_external_id", "-occurred_at"], name="activity_by_actor"),
            models.Index(fields=["thread", "occurred_at"], name="activity_by_thread"),
            models.Index(Lower("actor_name"), models.F("occurred_at").desc(), name="activity_by_name"),
            GinIndex(SearchVector("summary", config="simple"), name="activity_words"),
        ]
        ordering = ["-occurred_at", "-id"]
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return self.summary[:80] or f"{self.activity_type} {self.external_id}"


class ActivityWeek(models.Model):
    """Number of activities of one type in a scope in one week.

    Triggers update the counts in the transaction that changes the timeline. Tombstones are not counted. Weeks begin on
    Monday in UTC. A row may remain with a count of zero. A scope is locked while it is collected, so that two runs
    never change the same row.
    """

    week = models.DateField()
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+", db_index=False)
    activity_type = models.CharField(max_length=64)
    count = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["week", "scope", "activity_type"], name="activity_week_identity")
        ]

    def __str__(self) -> str:
        return f"{self.week} {self.activity_type}"


class PersonWeek(models.Model):
    """Number of activities of one type by one account in a scope in one week. See ``ActivityWeek``."""

    week = models.DateField()
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+", db_index=False)
    actor_external_id = models.CharField(max_length=64)
    activity_type = models.CharField(max_length=64)
    count = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["week", "scope", "actor_external_id", "activity_type"], name="person_week_identity"
            )
        ]

    def __str__(self) -> str:
        return f"{self.week} {self.actor_external_id}"
