"""Admin of guilds, channels and threads. The page of a guild also lists channels that the bot cannot read fully."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin import MirrorAdmin, link
from core.admin.links import RowLink, RowLinks
from core.trackers import scope_address
from discord_activity_tracker.admin.formatting import (
    EMPTY,
    DeletedFilter,
    discord_link,
    html_list,
    list_link,
    message_list,
    page_link,
)
from discord_activity_tracker.documents.markup import scope_of
from discord_activity_tracker.models import (
    Channel,
    Emoji,
    FormerChannelName,
    Guild,
    Message,
    Role,
    ScheduledEvent,
    Sticker,
)

MAX_ROWS = 100
"""Maximum number of rows of a list on an admin page, so that pages of large guilds stay short."""
LATEST = 10
"""Number of latest messages on the admin page of a channel. A link on this page leads to the list of all messages."""


@admin.register(Guild)
class GuildAdmin(RowLinks, MirrorAdmin):
    """Admin of guilds. A run without server ids collects the enabled guilds and the guilds in DISCORD_GUILDS."""

    list_display = ("name", "id", "enabled", "description", "source")
    list_filter = ("enabled",)
    search_fields = ("name", "=id")
    staff_may_change = True
    fields = (
        "id",
        "name",
        "enabled",
        "source",
        "description",
        "owner_id",
        "messages_link",
        "gaps",
        "channels",
        "payload",
    )
    extra_fields = ("source", "messages_link", "gaps", "channels")

    def row_links(self, row: Guild) -> list[RowLink]:
        """Return a link to the guild on Discord."""
        return [RowLink(text="View on Discord", address=f"https://discord.com/channels/{row.pk}", out=True)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return all fields except ``enabled``."""
        return [field.name for field in Guild._meta.fields if field.name != "enabled"] + list(self.extra_fields)

    @admin.display(description="Discord")
    def source(self, guild: Guild) -> Any:
        """Link to the guild on Discord."""
        return link(f"https://discord.com/channels/{guild.pk}")

    @admin.display(description="messages")
    def messages_link(self, guild: Guild) -> Any:
        """Link to all messages of the guild."""
        return list_link(Message, "all messages", guild=guild.pk)

    @admin.display(description="not readable")
    def gaps(self, guild: Guild) -> Any:
        """List the channels that the bot cannot read completely, and the permissions to grant."""
        unreadable = Channel.objects.filter(guild=guild, deleted_at=None).exclude(gap="")[:MAX_ROWS]
        return html_list(((page_link(channel), channel.gap) for channel in unreadable), "{}: <bdi>{}</bdi>")

    @admin.display(description="channels")
    def channels(self, guild: Guild) -> Any:
        """List the channels. The page of each channel lists its threads."""
        channels = Channel.objects.filter(guild=guild, is_thread=False)[:MAX_ROWS]
        return html_list(((page_link(c), c.kind, " (deleted)" if c.deleted_at else "") for c in channels), "{}, {}{}")


@admin.register(Channel)
class ChannelAdmin(RowLinks, MirrorAdmin):
    """Admin of channels and threads of all types."""

    list_display = ("name", "kind", "parent", "guild", "archived", "access", "gap", "deleted_at", "source")
    list_filter = (
        "guild",
        "kind",
        "is_thread",
        "archived",
        "access",
        ("gap", admin.EmptyFieldListFilter),
        DeletedFilter,
    )
    list_select_related = ("guild",)
    search_fields = ("name", "=id", "topic")
    fieldsets = (
        (
            None,
            {"fields": ("source", "guild", "parent", "name", "kind", "topic", "labels", "messages_link", "deleted_at")},
        ),
        ("Permissions of the bot", {"fields": ("access", "gap")}),
        ("Messages", {"fields": ("starter", "latest", "threads", "former_names")}),
        ("Other", {"fields": ("id", "type", "archived", "locked", "archive_timestamp", "owner_id", "payload")}),
    )
    readonly_fields = ("source", "parent", "labels", "messages_link", "starter", "latest", "threads", "former_names")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Add the name and the tags of the parent to each row.

        The parent is not a foreign key, because it may not be stored yet.
        """
        parent = Channel.objects.filter(pk=OuterRef("parent_id"))
        return (
            super()
            .get_queryset(request)
            .select_related("guild")
            .annotate(parent_name=Subquery(parent.values("name")[:1]), parent_tags=Subquery(parent.values("tags")[:1]))
        )

    def row_links(self, row: Channel) -> list[RowLink]:
        """Return links to the timeline of the channel and to Discord."""
        return [
            RowLink(text="View activity", address=scope_address("discord", scope_of(row))),
            RowLink(text="View on Discord", address=row.url, out=True),
        ]

    @admin.display(description="belongs to")
    def parent(self, channel: Any) -> Any:
        """Link to the parent: the channel of a thread, or the category of a channel."""
        if channel.parent_name is None:
            return EMPTY
        return page_link(Channel(pk=channel.parent_id), channel.parent_name or channel.parent_id)

    @admin.display(description="Discord")
    def source(self, channel: Channel) -> Any:
        """Link to the channel on Discord."""
        return discord_link(channel)

    @admin.display(description="messages")
    def messages_link(self, channel: Channel) -> Any:
        """Link to all messages of the channel or thread."""
        return list_link(Message, "all messages", channel=channel.pk)

    @admin.display(description="tags")
    def labels(self, channel: Any) -> str:
        """Return the names of the tags of a thread, or of the tags that a forum offers."""
        offered = (channel.parent_tags if channel.is_thread else channel.tags) or []
        names = {str(tag.get("id")): str(tag.get("name")) for tag in offered if isinstance(tag, dict)}
        applied = [names.get(str(tag), str(tag)) for tag in channel.tags] if channel.is_thread else list(names.values())
        return ", ".join(applied) or EMPTY

    @admin.display(description="first message")
    def starter(self, channel: Channel) -> Any:
        """Show the message that started a thread."""
        if not channel.is_thread:
            return EMPTY
        return message_list(Message.objects.filter(pk=channel.pk).select_related("author"))

    @admin.display(description="latest messages")
    def latest(self, channel: Channel) -> Any:
        """List the latest messages."""
        messages = Message.objects.filter(channel_id=channel.pk).select_related("author")
        return message_list(messages.order_by("-pk")[:LATEST])

    @admin.display(description="threads")
    def threads(self, channel: Channel) -> Any:
        """List the newest threads."""
        threads = Channel.objects.filter(parent_id=channel.pk, is_thread=True).order_by("-pk")[:MAX_ROWS]
        return html_list(((page_link(thread),) for thread in threads), "{}")

    @admin.display(description="former names")
    def former_names(self, channel: Channel) -> Any:
        """List the former names of the channel."""
        former = FormerChannelName.objects.filter(channel=channel)[:MAX_ROWS]
        return html_list(((one.name, f"{one.noticed_at:%Y-%m-%d}") for one in former), "<bdi>{}</bdi> until {}")


class PartAdmin(MirrorAdmin):
    """Base class for the admin of roles, emoji, stickers and events."""

    list_display = ("name", "id", "guild", "deleted_at")
    list_filter = ("guild", DeletedFilter)
    list_select_related = ("guild",)
    search_fields = ("name", "=id")


admin.site.register([Role, Emoji, Sticker], PartAdmin)


@admin.register(ScheduledEvent)
class ScheduledEventAdmin(PartAdmin):
    """Admin of scheduled events."""

    list_display = ("starts_at", "name", "guild", "user_count", "deleted_at")


@admin.register(FormerChannelName)
class FormerChannelNameAdmin(MirrorAdmin):
    """Admin of former names of channels and threads."""

    list_display = ("name", "current", "noticed_at")
    list_select_related = ("channel",)
    search_fields = ("name", "=channel__id")
    raw_id_fields = ("channel",)

    @admin.display(description="current name")
    def current(self, former: FormerChannelName) -> Any:
        """Show the current name of the channel as a link to the channel."""
        return format_html("{}", page_link(former.channel))
