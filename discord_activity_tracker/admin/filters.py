"""Filters for the list of messages. Their choices need no query of the message table, which can be very large."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from core.pages.labels import type_name
from core.pages.parameters import row_id, whole_number
from core.timeline import stored_types
from discord_activity_tracker.convert.message_text import MESSAGE_TYPES
from discord_activity_tracker.convert.messages import first_snowflake
from discord_activity_tracker.models import Channel, Guild

MAX_DAYS = 3650
"""Maximum number of days in the URL, about ten years. A much larger number would give a date before the year 1."""
HIGHEST_TYPE = 2**31 - 1
"""The largest number that fits into the ``type`` column of messages."""
MAX_CHANNELS = 300
"""Maximum number of channels to choose from. A longer list is hard to use. The guild filter shortens the list."""


class GuildFilter(admin.SimpleListFilter):
    """Filter messages by guild."""

    title, parameter_name = "server", "guild"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the id and the name of each guild."""
        return [(str(pk), name) for pk, name in Guild.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the messages in the chosen guild. Without a choice, return all messages."""
        guild = row_id(self.value())
        return queryset.filter(channel__guild_id=guild) if guild else queryset


class ChannelFilter(admin.SimpleListFilter):
    """Filter messages by channel. The threads of the channel are included."""

    title, parameter_name = "channel (with threads)", "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return at most ``MAX_CHANNELS`` channels of the chosen guild, or of all guilds. Categories are left out."""
        channels = Channel.objects.filter(is_thread=False).exclude(kind="category")
        guild = row_id(request.GET.get("guild"))
        channels = channels.filter(guild_id=guild) if guild else channels
        return [(str(pk), f"#{name}") for pk, name in channels.values_list("pk", "name")[:MAX_CHANNELS]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the messages in the chosen channel and its threads. Without a choice, return all messages."""
        channel = row_id(self.value())
        if not channel:
            return queryset
        containers = Channel.objects.filter(Q(pk=channel) | Q(parent_id=channel, is_thread=True))
        return queryset.filter(channel_id__in=list(containers.values_list("pk", flat=True)))


class KindFilter(admin.SimpleListFilter):
    """Filter messages by type."""

    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the stored types in alphabetical order, and one choice for all types outside ``MESSAGE_TYPES``.

        The timeline knows the types of its activities, so that no query of the message table is needed.
        """
        names = {f"discord.{word}": str(number) for number, word in MESSAGE_TYPES.items()}
        stored = stored_types("discord")
        known = sorted((type_name(name), names[name]) for name in stored if name in names)
        unknown = [("unknown", "unknown")] if set(stored) - set(names) else []
        return [(number, name) for name, number in known] + unknown

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the messages of the chosen type. Without a choice, return all messages."""
        if self.value() == "unknown":
            return queryset.exclude(type__in=list(MESSAGE_TYPES))
        kind = whole_number(self.value(), lowest=0, highest=HIGHEST_TYPE, default=-1)
        return queryset.filter(type=kind) if kind >= 0 else queryset


class WrittenFilter(admin.SimpleListFilter):
    """Filter messages by age. The id of a message contains its time, so the filter uses the primary key's index."""

    title, parameter_name = "written", "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the periods to choose from."""
        return [("1", "the last day"), ("7", "the last 7 days"), ("30", "the last 30 days"), ("365", "the last year")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the messages of the chosen period. Without a choice, return all messages."""
        days = whole_number(self.value(), lowest=0, highest=MAX_DAYS, default=-1)
        if days < 0:
            return queryset
        since = timezone.now() - timedelta(days=days)
        return queryset.filter(pk__gte=first_snowflake(since))
