"""Filters of messages that stay cheap however many there are: none of them asks the table what it holds."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from core.pages.labels import type_name
from core.pages.parameters import row_id, whole_number
from discord_activity_tracker.convert import first_at
from discord_activity_tracker.convert.message_types import TYPES
from discord_activity_tracker.models import Channel, Guild

MOST_DAYS = 3650
HIGHEST_TYPE = 2**31 - 1
"""The largest number that the column of message types holds."""
MOST = 300
"""Channels that are offered; more are found through the guild filter or the channels' own list."""


class GuildFilter(admin.SimpleListFilter):
    """Messages of one guild."""

    title, parameter_name = "guild", "guild"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All guilds."""
        return [(str(pk), name) for pk, name in Guild.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those of its channels and threads."""
        guild = row_id(self.value())
        return queryset.filter(channel__guild_id=guild) if guild else queryset


class ChannelFilter(admin.SimpleListFilter):
    """Messages of one channel, with those of its threads."""

    title, parameter_name = "channel (with threads)", "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The channels of the chosen guild, or of all."""
        found = Channel.objects.filter(is_thread=False).exclude(kind="category")
        guild = row_id(request.GET.get("guild"))
        found = found.filter(guild_id=guild) if guild else found
        return [(str(pk), f"#{name}") for pk, name in found.values_list("pk", "name")[:MOST]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those of the channel or of a thread in it."""
        channel = row_id(self.value())
        if not channel:
            return queryset
        places = Channel.objects.filter(Q(pk=channel) | Q(parent_id=channel, is_thread=True))
        return queryset.filter(channel_id__in=list(places.values_list("pk", flat=True)))


class KindFilter(admin.SimpleListFilter):
    """Messages of one type."""

    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The types that Discord documents, and the rest."""
        return [(str(number), type_name(f"discord.{word}")) for number, word in TYPES.items()] + [
            ("unknown", "unknown")
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those of that type."""
        if self.value() == "unknown":
            return queryset.exclude(type__in=list(TYPES))
        kind = whole_number(self.value(), lowest=0, highest=HIGHEST_TYPE, default=-1)
        return queryset.filter(type=kind) if kind >= 0 else queryset


class WrittenFilter(admin.SimpleListFilter):
    """Messages of the last days; an id carries its time, so the primary key finds them."""

    title, parameter_name = "written", "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Some spans."""
        return [("1", "the last day"), ("7", "the last 7 days"), ("30", "the last 30 days"), ("365", "the last year")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those since then."""
        days = whole_number(self.value(), lowest=0, highest=MOST_DAYS, default=-1)
        if days < 0:
            return queryset
        since = timezone.now() - timedelta(days=days)
        return queryset.filter(pk__gte=first_at(since))
