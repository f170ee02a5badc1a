"""Accounts of people, bots and webhooks."""

from django.db import models
from django.db.models.functions import Upper


class Account(models.Model):
    """The account of an author, a mentioned user, a user who reacted or the creator of an event.

    The primary key is Discord's id. A deleted user has the name that Discord shows for deleted users.
    """

    class Kind(models.TextChoices):
        """The kind of account."""

        USER = "user"
        BOT = "bot"
        WEBHOOK = "webhook"
        SYSTEM = "system"

    id = models.BigIntegerField(primary_key=True)
    username = models.CharField(max_length=200)
    global_name = models.CharField(max_length=200, blank=True, help_text="Display name.")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.USER)
    avatar = models.CharField(max_length=200, blank=True, help_text="Hash of the avatar image.")
    exported_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Time of the export that the names are from (UTC). Empty if they are from Discord's API.",
    )

    class Meta:
        ordering = ["username"]
        indexes = [
            models.Index(fields=["username"]),
            models.Index(Upper("username"), name="discord_account_username"),
            models.Index(Upper("global_name"), name="discord_account_shown_name"),
        ]

    def __str__(self) -> str:
        return self.global_name or self.username


class FormerName(models.Model):
    """An earlier name of an account."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="former_names")
    username = models.CharField(max_length=200)
    global_name = models.CharField(max_length=200, blank=True)
    noticed_at = models.DateTimeField(help_text="When the new name was noticed (UTC).")

    class Meta:
        ordering = ["-noticed_at"]

    def __str__(self) -> str:
        return self.global_name or self.username
