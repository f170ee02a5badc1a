"""Messages with what is around them, what they said before, and who reacted."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from core.admin import MirrorAdmin
from core.admin.ways import Way, Ways
from core.operations.markdown import Flavour, Markup, excerpt
from core.pages.labels import type_name
from core.trackers import activity_address
from discord_activity_tracker.admin import shown
from discord_activity_tracker.admin.filters import ChannelFilter, GuildFilter, KindFilter, WrittenFilter
from discord_activity_tracker.convert import message_type
from discord_activity_tracker.convert.words import objects, text
from discord_activity_tracker.documents.mentions import names_in
from discord_activity_tracker.models import Channel, Message, Reactor, Revision

CHAT = Markup(flavour=Flavour.CHAT)
AROUND = 5
"""Messages that are shown before and after one."""
MOST = 50
"""Answers, earlier versions or reactions that a page shows."""


@admin.register(Message)
class MessageAdmin(Ways, MirrorAdmin):
    """Messages."""

    list_display = ("created_at", "place", "who", "says", "source", "kind", "pinned", "edited_at", "deleted_at")
    list_filter = (GuildFilter, ChannelFilter, shown.Gone, "pinned", WrittenFilter, KindFilter)
    list_select_related = ("author", "channel")
    search_fields = ("content", "=id", "=author__username")
    fieldsets = (
        (None, {"fields": ("source", "place", "who", "created_at", "edited_at", "deleted_at", "kind", "text")}),
        ("Where it stands", {"fields": ("starter", "answered", "around", "answers", "opened")}),
        ("What came with it", {"fields": ("files", "reacted", "people", "pinned", "pinned_at")}),
        ("What it said before", {"fields": ("before",)}),
        ("As Discord sent it", {"fields": ("id", "type", "sent")}),
    )
    readonly_fields = (
        "source", "place", "who", "kind", "text", "starter", "answered", "around", "answers", "opened", "files",
        "reacted", "people", "before", "sent",
    )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        """With author and channel, for the pages as well."""
        return super().get_queryset(request).select_related("author", "channel")

    def ways(self, row: Message) -> list[Way]:
        """Thread and Discord."""
        name = f"discord:message:{row.channel.guild_id}:{row.channel_id}:{row.pk}"
        return [
            Way(words="View in its thread", address=activity_address("discord", name)),
            Way(words="View on Discord", address=f"{row.channel.url}/{row.pk}", out=True),
        ]

    @admin.display(description="channel")
    def place(self, message: Message) -> Any:
        """The channel or thread."""
        return shown.page_of(message.channel)

    @admin.display(description="author", ordering="author")
    def who(self, message: Message) -> Any:
        """Who wrote it; leads to all that they wrote."""
        return shown.list_of(Message, shown.author(message), author__id__exact=message.author_id)

    @admin.display(description="text")
    def says(self, message: Message) -> Any:
        """The first words."""
        return format_html("<bdi>{}</bdi>", excerpt(shown.words(message), CHAT, 100) or shown.NOTHING)

    @admin.display(description="text")
    def text(self, message: Message) -> Any:
        """All of it, with names for mentions."""
        words = shown.words(message)
        return shown.paragraph(names_in([words]).resolved(words), message)

    @admin.display(description="kind", ordering="type")
    def kind(self, message: Message) -> str:
        """Its type in words."""
        return type_name(f"discord.{message_type(message.type)}")

    @admin.display(description="Discord")
    def source(self, message: Message) -> Any:
        """The message in Discord."""
        return shown.to_discord(message.channel, message.pk)

    @admin.display(description="thread began with")
    def starter(self, message: Message) -> Any:
        """The first message of the thread, which stands in its channel: both have one id."""
        return shown.lines(_messages(pk=message.channel_id)) if message.channel.is_thread else shown.NOTHING

    @admin.display(description="refers to")
    def answered(self, message: Message) -> Any:
        """What it answers, forwards or points to."""
        if not message.reply_to:
            return shown.NOTHING
        return shown.lines(_messages(pk=message.reply_to)) or f"{message.reply_to}, which is not kept"

    @admin.display(description="around it")
    def around(self, message: Message) -> Any:
        """What was said just before and after."""
        before = _messages(channel_id=message.channel_id, pk__lt=message.pk).order_by("-pk")[:AROUND]
        after = _messages(channel_id=message.channel_id, pk__gt=message.pk).order_by("pk")[:AROUND]
        return shown.lines([*before, message, *after], here=message.pk)

    @admin.display(description="answers to it")
    def answers(self, message: Message) -> Any:
        """Messages that refer to it."""
        return shown.lines(_messages(reply_to=message.pk).order_by("pk")[:MOST])

    @admin.display(description="thread that it began")
    def opened(self, message: Message) -> Any:
        """The thread, if any."""
        thread = Channel.objects.filter(pk=message.pk, is_thread=True).first()
        return shown.page_of(thread) if thread else shown.NOTHING

    @admin.display(description="files")
    def files(self, message: Message) -> Any:
        """Names and sizes; Discord's addresses of files expire, so there are no links."""
        found = objects(message.payload, "attachments")
        return shown.items(
            ((text(file, "filename"), str(file.get("size") or "?")) for file in found), "<bdi>{}</bdi>, {} bytes"
        )

    @admin.display(description="reactions")
    def reacted(self, message: Message) -> Any:
        """Counts by emoji."""
        counts = ((emoji, of.get("normal", 0), of.get("burst", 0)) for emoji, of in message.reactions.items())
        return shown.items(counts, "<bdi>{}</bdi> {} (super: {})")

    @admin.display(description="who reacted")
    def people(self, message: Message) -> Any:
        """As far as it was asked for."""
        found = Reactor.objects.filter(message=message).select_related("account").order_by("pk")[:MOST]
        return shown.items(((one.emoji, str(one.account)) for one in found), "<bdi>{}</bdi> <bdi>{}</bdi>")

    @admin.display(description="earlier versions")
    def before(self, message: Message) -> Any:
        """The latest first."""
        found = Revision.objects.filter(message=message)[:MOST]
        rows = ((_span(one), shown.paragraph(one.content, one)) for one in found)
        return shown.items(rows, "{} {}")

    @admin.display(description="payload")
    def sent(self, message: Message) -> Any:
        """The rest of it."""
        return format_html("<pre>{}</pre>", json.dumps(message.payload, ensure_ascii=False, indent=1)[:20_000])


@admin.register(Revision)
class RevisionAdmin(MirrorAdmin):
    """What messages said before edits."""

    list_display = ("replaced_at", "written_at", "of", "says")
    list_filter = ("replaced_at",)
    list_select_related = ("message",)
    search_fields = ("content", "=message__id")
    raw_id_fields = ("message",)

    @admin.display(description="message")
    def of(self, revision: Revision) -> Any:
        """What it says now."""
        return shown.page_of(revision.message)

    @admin.display(description="said before")
    def says(self, revision: Revision) -> Any:
        """The first words."""
        return format_html("<bdi>{}</bdi>", revision.content[:100])


@admin.register(Reactor)
class ReactorAdmin(MirrorAdmin):
    """Who reacted with what."""

    list_display = ("emoji", "account", "burst", "message")
    list_filter = ("burst",)
    list_select_related = ("account", "message")
    search_fields = ("=message__id", "=account__username", "emoji")
    raw_id_fields = ("message", "account")


def _span(revision: Revision) -> str:
    return f"{revision.written_at:%Y-%m-%d %H:%M} to {revision.replaced_at:%Y-%m-%d %H:%M}"


def _messages(**conditions: object) -> Any:
    return Message.objects.filter(**conditions).select_related("author")
