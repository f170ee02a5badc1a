"""Counts of the timeline by week, kept exact by triggers in the transaction that changes the timeline.

Tombstones are not counted. Weeks begin on Monday, in UTC. A row may stay with a count of zero. No two runs meet in one
row, because a scope is locked while it is collected.
"""

from django.db import models

from core.models.scopes import Scope


class ActivityWeek(models.Model):
    """How much of one type happened in a scope in one week."""

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
    """How much of one type one person did in a scope in one week; activities without a person are not counted."""

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
