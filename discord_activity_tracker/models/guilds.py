"""Guilds with their channels, roles, emoji, stickers and events."""

from django.db import models

GONE = "When the deletion was noticed (UTC)."


class Guild(models.Model):
    """A guild. Discord's users call it a server."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=200, blank=True)
    owner_id = models.BigIntegerField(null=True, help_text="Id of the account that owns the guild.")
    payload = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True, help_text="Collect this guild in runs that name no guild.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """A channel or thread of any type, including types that this release does not know."""

    class Access(models.TextChoices):
        """The bot's access to the messages in the channel itself, computed from permissions or reported by Discord."""

        OK = "ok", "readable"
        NO_VIEW = "no_view", "hidden: VIEW_CHANNEL is missing"
        NO_HISTORY = "no_history", "READ_MESSAGE_HISTORY is missing"
        NO_CONNECT = "no_connect", "CONNECT is missing"
        NO_MESSAGES = "no_messages", "channel type without messages"

    id = models.BigIntegerField(primary_key=True)
    guild_id: int
    guild = models.ForeignKey(Guild, on_delete=models.CASCADE, related_name="channels")
    parent_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the category, or of the parent channel of a thread."
    )
    type = models.IntegerField(help_text="Discord's number of the channel type.")
    kind = models.CharField(max_length=32, help_text="Name of the channel type.")
    is_thread = models.BooleanField(default=False)
    name = models.CharField(max_length=200, blank=True)
    topic = models.TextField(blank=True)
    position = models.IntegerField(default=0)
    nsfw = models.BooleanField(default=False)
    owner_id = models.BigIntegerField(null=True, blank=True, help_text="Id of the account that started the thread.")
    archived = models.BooleanField(default=False)
    locked = models.BooleanField(default=False)
    archive_timestamp = models.DateTimeField(
        null=True, blank=True, help_text="When the thread was last archived or unarchived (UTC)."
    )
    tags = models.JSONField(
        default=list, blank=True, help_text="Ids of the tags of a post, or the available tags of a forum."
    )
    last_message_id = models.BigIntegerField(null=True, blank=True)
    last_pin_timestamp = models.DateTimeField(null=True, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    access = models.CharField(max_length=16, choices=Access.choices, default=Access.OK)
    gap = models.CharField(
        max_length=200,
        blank=True,
        help_text="Data that the bot cannot read, and the permission to grant. Empty if the bot can read everything.",
    )
    deleted_at = models.DateTimeField(null=True, blank=True, help_text=GONE)

    class Meta:
        ordering = ["guild", "position", "name"]
        indexes = [
            models.Index(fields=["guild", "is_thread", "archived"]),
            models.Index(fields=["parent_id"]),
            models.Index(fields=["name"]),
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)

    @property
    def url(self) -> str:
        """The URL of the channel in Discord."""
        return f"https://discord.com/channels/{self.guild_id}/{self.pk}"


class FormerChannelName(models.Model):
    """An earlier name of a channel or thread."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="former_names")
    name = models.CharField(max_length=200, blank=True)
    noticed_at = models.DateTimeField(help_text="When the new name was noticed (UTC).")

    class Meta:
        ordering = ["-noticed_at"]

    def __str__(self) -> str:
        return self.name


class Part(models.Model):
    """The fields that roles, emoji, stickers and events share."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text=GONE)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(Part):
    """A role of a guild."""

    guild = models.ForeignKey(Guild, on_delete=models.CASCADE, related_name="roles")


class Emoji(Part):
    """A custom emoji."""

    guild = models.ForeignKey(Guild, on_delete=models.CASCADE, related_name="emojis")

    class Meta(Part.Meta):
        verbose_name_plural = "emoji"


class Sticker(Part):
    """A custom sticker."""

    guild = models.ForeignKey(Guild, on_delete=models.CASCADE, related_name="stickers")


class ScheduledEvent(Part):
    """A scheduled event. Discord does not list ended events, so they count as deleted."""

    guild = models.ForeignKey(Guild, on_delete=models.CASCADE, related_name="events")
    channel_id = models.BigIntegerField(null=True, blank=True)
    description = models.TextField(blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    status = models.IntegerField()
    user_count = models.IntegerField(null=True, blank=True)
