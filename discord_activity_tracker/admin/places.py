"""Guilds, channels and threads, with what the bot cannot read there."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin import MirrorAdmin, link
from core.admin.ways import Way, Ways
from core.trackers import scope_address
from discord_activity_tracker.admin import shown
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

MOST = 100
LATEST = 10


@admin.register(Guild)
class GuildAdmin(Ways, MirrorAdmin):
    """Guilds; ``enabled`` says which are collected by runs that name none."""

    list_display = ("name", "id", "enabled", "description", "source")
    list_filter = ("enabled",)
    search_fields = ("name", "=id")
    fields = ("id", "name", "enabled", "source", "description", "owner_id", "talk", "gaps", "places", "payload")
    extra_fields = ("source", "talk", "gaps", "places")

    def ways(self, row: Guild) -> list[Way]:
        """Discord."""
        return [Way(words="View on Discord", address=f"https://discord.com/channels/{row.pk}", out=True)]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff may switch collection on and off."""
        return bool(getattr(request.user, "is_staff", False))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything but the switch."""
        return [field.name for field in Guild._meta.fields if field.name != "enabled"] + list(self.extra_fields)

    @admin.display(description="Discord")
    def source(self, guild: Guild) -> Any:
        """The guild in Discord."""
        return link(f"https://discord.com/channels/{guild.pk}")

    @admin.display(description="messages")
    def talk(self, guild: Guild) -> Any:
        """All that was said there."""
        return shown.list_of(Message, "all messages", guild=guild.pk)

    @admin.display(description="not readable")
    def gaps(self, guild: Guild) -> Any:
        """What the bot cannot read, and what to grant."""
        found = Channel.objects.filter(guild=guild, deleted_at=None).exclude(gap="")[:MOST]
        return shown.items(((shown.page_of(channel), channel.gap) for channel in found), "{}: <bdi>{}</bdi>")

    @admin.display(description="channels")
    def places(self, guild: Guild) -> Any:
        """Its channels; threads stand on the pages of theirs."""
        found = Channel.objects.filter(guild=guild, is_thread=False)[:MOST]
        return shown.items(
            ((shown.page_of(c), c.kind, " (deleted)" if c.deleted_at else "") for c in found), "{}, {}{}"
        )


@admin.register(Channel)
class ChannelAdmin(Ways, MirrorAdmin):
    """Channels and threads of all types."""

    list_display = ("name", "kind", "stands_in", "guild", "archived", "access", "gap", "deleted_at", "source")
    list_filter = ("guild", "kind", "is_thread", "archived", "access", ("gap", admin.EmptyFieldListFilter), shown.Gone)
    list_select_related = ("guild",)
    search_fields = ("name", "=id", "topic")
    fieldsets = (
        (None, {"fields": ("source", "guild", "stands_in", "name", "kind", "topic", "labels", "talk", "deleted_at")}),
        ("What the bot may", {"fields": ("access", "gap")}),
        ("What is said", {"fields": ("starter", "latest", "threads", "names")}),
        ("The rest", {"fields": ("id", "type", "archived", "locked", "archive_timestamp", "owner_id", "payload")}),
    )
    readonly_fields = ("source", "stands_in", "labels", "talk", "starter", "latest", "threads", "names")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the names of what they stand in, which is no foreign key: it may not be known yet."""
        above = Channel.objects.filter(pk=OuterRef("parent_id"))
        return (
            super()
            .get_queryset(request)
            .select_related("guild")
            .annotate(above=Subquery(above.values("name")[:1]), above_tags=Subquery(above.values("tags")[:1]))
        )

    def ways(self, row: Channel) -> list[Way]:
        """Timeline and Discord."""
        return [
            Way(words="View activity", address=scope_address("discord", scope_of(row))),
            Way(words="View on Discord", address=row.url, out=True),
        ]

    @admin.display(description="stands in")
    def stands_in(self, channel: Any) -> Any:
        """The channel of a thread, or the category."""
        if channel.above is None:
            return shown.NOTHING
        return shown.page_of(Channel(pk=channel.parent_id), channel.above or channel.parent_id)

    @admin.display(description="Discord")
    def source(self, channel: Channel) -> Any:
        """The channel in Discord."""
        return shown.to_discord(channel)

    @admin.display(description="messages")
    def talk(self, channel: Channel) -> Any:
        """All that was said there."""
        return shown.list_of(Message, "all messages", channel=channel.pk)

    @admin.display(description="tags")
    def labels(self, channel: Any) -> str:
        """Names of the tags of a post, or of those that a forum offers."""
        offered = (channel.above_tags if channel.is_thread else channel.tags) or []
        names = {str(tag.get("id")): str(tag.get("name")) for tag in offered if isinstance(tag, dict)}
        applied = [names.get(str(tag), str(tag)) for tag in channel.tags] if channel.is_thread else list(names.values())
        return ", ".join(applied) or shown.NOTHING

    @admin.display(description="began with")
    def starter(self, channel: Channel) -> Any:
        """The message that a thread began with."""
        if not channel.is_thread:
            return shown.NOTHING
        return shown.lines(Message.objects.filter(pk=channel.pk).select_related("author"))

    @admin.display(description="latest messages")
    def latest(self, channel: Channel) -> Any:
        """The last words."""
        found = Message.objects.filter(channel_id=channel.pk).select_related("author")
        return shown.lines(found.order_by("-pk")[:LATEST])

    @admin.display(description="threads")
    def threads(self, channel: Channel) -> Any:
        """The youngest."""
        found = Channel.objects.filter(parent_id=channel.pk, is_thread=True).order_by("-pk")[:MOST]
        return shown.items(((shown.page_of(thread),) for thread in found), "{}")

    @admin.display(description="former names")
    def names(self, channel: Channel) -> Any:
        """Names that it had."""
        found = FormerChannelName.objects.filter(channel=channel)[:MOST]
        return shown.items(((one.name, f"{one.noticed_at:%Y-%m-%d}") for one in found), "<bdi>{}</bdi> until {}")


class PartAdmin(MirrorAdmin):
    """What roles, emoji, stickers and events have in common."""

    list_display = ("name", "id", "guild", "deleted_at")
    list_filter = ("guild", shown.Gone)
    list_select_related = ("guild",)
    search_fields = ("name", "=id")


admin.site.register([Role, Emoji, Sticker], PartAdmin)


@admin.register(ScheduledEvent)
class ScheduledEventAdmin(PartAdmin):
    """Scheduled events."""

    list_display = ("starts_at", "name", "guild", "user_count", "deleted_at")


@admin.register(FormerChannelName)
class FormerChannelNameAdmin(MirrorAdmin):
    """Names that channels and threads had."""

    list_display = ("name", "now", "noticed_at")
    list_select_related = ("channel",)
    search_fields = ("name", "=channel__id")
    raw_id_fields = ("channel",)

    @admin.display(description="name now")
    def now(self, former: FormerChannelName) -> Any:
        """The channel under its present name."""
        return format_html("{}", shown.page_of(former.channel))
