"""The timeline of all sources, and the numbers of activities by week.

A row of the timeline holds short keys instead of texts, because there is one row for every message.
``Activity.objects`` adds the texts of the contract (``ActivityRecord``) to each row it reads. Conditions on these texts
cannot use an index: use the functions of ``core.db.activity_keys`` and ``core.timeline`` instead.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast, Coalesce, Lower

from core.models.scopes import Scope


class IntegerKey(models.ForeignKey[Any, Any] if TYPE_CHECKING else models.ForeignKey):
    """A foreign key of four bytes. The ids of scopes have eight bytes, but there are never two billion scopes."""

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        del connection
        return "integer"


class ExternalIdPrefix(models.Model):
    """The beginning of external ids, up to and including the last colon, such as ``github:issue_comment:``."""

    id = models.AutoField(primary_key=True)
    source_system = models.CharField(max_length=32)
    text = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "text"], name="external_id_prefix_identity")]

    def __str__(self) -> str:
        return self.text


class ActivityType(models.Model):
    """A type of activities, such as ``github.issue``."""

    id = models.SmallAutoField(primary_key=True)
    source_system = models.CharField(max_length=32)
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_system", "name"], name="activity_type_identity")]

    def __str__(self) -> str:
        return self.name


class OptionalText(models.CharField[Any, Any] if TYPE_CHECKING else models.CharField):
    """A text that is stored as NULL if it is empty, because NULL takes no space in a row."""

    def from_db_value(self, value: str | None, *_: object) -> str:
        """Return the text, or an empty text for NULL."""
        return value or ""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Return the text, or ``None`` for an empty text."""
        return super().get_db_prep_save(value or None, connection)


def external_id_text(prefix: str, number: str, code: str) -> Func:
    """Return the SQL expression of an external id, from the names of its three fields. See ``activity_keys``."""
    return Func(F(prefix), F(number), F(code), function="core_external_id", output_field=models.TextField())


class ActivityManager(models.Manager["Activity"]):
    """Reads rows together with the texts of the contract: ``external_id``, ``thread``, ``activity_type`` and so on."""

    def get_queryset(self) -> models.QuerySet["Activity"]:
        """Return all activities. Texts that are not read or compared cost nothing."""
        empty = Value("", output_field=models.TextField())
        return (
            super()
            .get_queryset()
            .annotate(
                source_system=F("prefix__source_system"),
                external_id=external_id_text("prefix__text", "number", "code"),
                thread=Coalesce(external_id_text("thread_prefix__text", "thread_number", "thread_code"), empty),
                activity_type=F("type__name"),
                actor_external_id=Coalesce(Cast("actor", models.TextField()), empty),
            )
        )


class Activity(models.Model):
    """A stored ``ActivityRecord``: something that an account did at one moment.

    Only the tracker's table stores the full text. An external id consists of a prefix, a number, and a code if its last
    part is not a number (``core.db.activity_keys``). Names, URLs and summaries that the tracker can compute are not
    stored (``TrackerConfig.activity_texts``).
    """

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    number = models.BigIntegerField(
        help_text="Last part of the external id, or the hash of a part that is not a number."
    )
    thread_number = models.BigIntegerField(null=True, help_text="As number, for the external id of the thread.")
    actor = models.BigIntegerField(null=True, help_text="Account id. Empty if there is no account.")
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When the deletion was noticed (UTC).")
    # Rows of the tables below are never deleted, so the database need not check the references of every new row.
    scope_id: int
    scope = IntegerKey(Scope, on_delete=models.PROTECT, related_name="activities", db_index=False, db_constraint=False)
    prefix_id: int
    prefix = models.ForeignKey(
        ExternalIdPrefix, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    thread_prefix_id: int | None
    thread_prefix = models.ForeignKey(
        ExternalIdPrefix, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    type_id: int
    type = models.ForeignKey(
        ActivityType, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    common = models.BooleanField(
        default=False, help_text="Whether the type is so common that the index by type leaves it out."
    )
    code = models.BinaryField(default=b"", help_text="Last part of the external id if it is not a number.")
    thread_code = models.BinaryField(null=True, help_text="As code, for the external id of the thread.")
    actor_name = OptionalText(max_length=200, blank=True, null=True)
    source_url = OptionalText(max_length=1000, blank=True, null=True)
    summary = OptionalText(max_length=300, blank=True, null=True)

    objects = ActivityManager()

    # ``objects`` reads these texts.
    source_system: str = ""
    external_id: str = ""
    thread: str = ""
    activity_type: str = ""
    actor_external_id: str = ""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number", "prefix", "code"], name="activity_identity")]
        indexes = [
            models.Index(fields=["occurred_at"], name="activity_by_time"),
            models.Index(fields=["scope", "occurred_at"], name="activity_by_scope"),
            models.Index(fields=["type", "occurred_at"], name="activity_by_type", condition=Q(common=False)),
            models.Index(fields=["actor", "occurred_at"], name="activity_by_actor"),
            models.Index(fields=["thread_number"], name="activity_by_thread"),
            models.Index(
                Lower("actor_name"), F("occurred_at").desc(), name="activity_by_name",
                condition=Q(actor_name__isnull=False),
            ),
            # Few activities are edited or deleted: without these indexes, a page of them would read the whole timeline.
            models.Index(fields=["occurred_at"], name="activity_edited", condition=Q(edited_at__isnull=False)),
            models.Index(fields=["occurred_at"], name="activity_deleted", condition=Q(deleted_at__isnull=False)),
            # Has no condition, because PostgreSQL ignores the statistics of an index with a condition. It would expect
            # many rows for every word, and read the timeline from its end.
            # The list of new entries stays in the index as free space. The default limit is 4 MB.
            GinIndex(SearchVector("summary", config="simple"), name="activity_words", gin_pending_list_limit=256),
        ]  # fmt: skip
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

    pk = models.CompositePrimaryKey("week", "scope_id", "type_id")
    week = models.DateField()
    scope = IntegerKey(Scope, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    count = models.IntegerField()
    type = models.ForeignKey(
        ActivityType, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.week} {self.type}"


class PersonWeek(models.Model):
    """Number of activities of one type by one account in a scope in one week. See ``ActivityWeek``."""

    pk = models.CompositePrimaryKey("week", "scope_id", "actor", "type_id")
    actor = models.BigIntegerField(help_text="Account id.")
    week = models.DateField()
    scope = IntegerKey(Scope, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    count = models.IntegerField()
    type = models.ForeignKey(
        ActivityType, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.week} {self.actor}"
