"""Messages, their earlier versions, and the people who reacted."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Left, Lower

from discord_activity_tracker.models.guilds import GONE, Channel
from discord_activity_tracker.models.people import Account

START = Left("content", 200)
BEGINNING = SearchVector(START, config="simple")
"""The words in the first 200 characters of a message."""


class Message(models.Model):
    """A message of any type. All times are UTC.

    There are few indexes, because each index slows down every insert. The database does not check the references to
    the channel and the author for each message: both are stored before the message, and never deleted.
    """

    id = models.BigIntegerField(primary_key=True)
    channel_id: int
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="messages", db_index=False, db_constraint=False
    )
    author_id: int | None
    author = models.ForeignKey(
        Account, null=True, on_delete=models.SET_NULL, related_name="messages", db_index=False, db_constraint=False
    )
    webhook_name = models.CharField(
        max_length=200, blank=True, help_text="Name that the webhook used for this message."
    )
    type = models.IntegerField(help_text="Discord's number of the message type.")
    content = models.TextField(blank=True)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)
    pinned_at = models.DateTimeField(null=True, blank=True)
    reply_to = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the message that this message replies to, forwards or refers to."
    )
    reactions = models.JSONField(default=dict, blank=True, help_text="Number of normal and burst reactions by emoji.")
    reactors_of = models.JSONField(
        default=dict, blank=True, help_text="Value of reactions when the people who reacted were last stored."
    )
    payload = models.JSONField(
        default=dict,
        blank=True,
        help_text="Other fields of the message. Names of people and URL signatures are removed.",
    )
    conversation = models.BigIntegerField(help_text="Id of the first message of the conversation.")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text=GONE)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["channel", "id"]),
            models.Index(fields=["conversation"]),
            models.Index(fields=["author", "-id"]),
            models.Index(
                fields=["reply_to"], condition=models.Q(reply_to__isnull=False), name="discord_message_replies"
            ),
            models.Index(fields=["channel"], condition=models.Q(pinned=True), name="discord_message_pins"),
            # For the list of deleted messages. Few messages are deleted.
            models.Index(fields=["id"], condition=models.Q(deleted_at__isnull=False), name="discord_message_deleted"),
            GinIndex(BEGINNING, name="discord_message_words"),
            models.Index(
                Lower("webhook_name"),
                models.F("id").desc(),
                condition=~models.Q(webhook_name=""),
                name="discord_message_webhooks",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} UTC"


class Revision(models.Model):
    """An earlier version of an edited message."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="revisions")
    content = models.TextField(blank=True)
    payload = models.JSONField(default=dict, blank=True)
    written_at = models.DateTimeField(help_text="When this version was written (UTC).")
    replaced_at = models.DateTimeField(help_text="When the message was edited, or when the edit was noticed (UTC).")

    class Meta:
        ordering = ["-replaced_at"]
        constraints = [
            models.UniqueConstraint(fields=["message", "written_at", "replaced_at"], name="discord_revision_identity")
        ]

    def __str__(self) -> str:
        return self.content[:80]


class Reactor(models.Model):
    """A person who reacted to a message with an emoji. Stored by runs with ``--reactors`` and by imports of files."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reactors")
    emoji = models.CharField(max_length=200, help_text="The emoji itself, or name:id for a custom emoji.")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reactions")
    burst = models.BooleanField(default=False, help_text="Whether the reaction is a super reaction.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "emoji", "account", "burst"], name="discord_reactor_identity")
        ]

    def __str__(self) -> str:
        return self.emoji
