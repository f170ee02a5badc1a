"""Admin of messages with their context, their earlier versions and the people who reacted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from core.admin import MirrorAdmin
from core.admin.links import RowLink, RowLinks
from core.admin.lists import ListedTexts
from core.operations.markdown import excerpt
from core.pages.labels import type_name
from core.trackers import activity_address
from discord_activity_tracker.admin.filters import ChannelFilter, GuildFilter, KindFilter, WrittenFilter
from discord_activity_tracker.admin.formatting import (
    EMPTY,
    DeletedFilter,
    author_name,
    discord_link,
    first_words,
    html_list,
    list_link,
    message_list,
    page_link,
    paragraph,
    text_of,
)
from discord_activity_tracker.convert.message_text import message_type, objects, text
from discord_activity_tracker.documents.markup import markup, names_in
from discord_activity_tracker.models import Channel, Message, Reactor, Revision

AROUND = 5
"""Number of messages to show before and after a message, enough to follow the conversation."""
MAX_ROWS = 50
"""Maximum number of replies, earlier versions or reactions on the admin page of a message, to keep the page short."""


@admin.register(Message)
class MessageAdmin(RowLinks, ListedTexts, MirrorAdmin):
    """Admin of messages."""

    list_display = (
        "created_at",
        "author_link",
        "text_start",
        "channel_link",
        "kind",
        "source",
        "pinned",
        "edited_at",
        "deleted_at",
    )
    list_filter = (GuildFilter, ChannelFilter, DeletedFilter, "pinned", WrittenFilter, KindFilter)
    list_select_related = ("author", "channel")
    search_fields = ("content", "=id", "=author__username")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "source",
                    "channel_link",
                    "author_link",
                    "created_at",
                    "edited_at",
                    "deleted_at",
                    "kind",
                    "text",
                )
            },
        ),
        ("Context", {"fields": ("starter", "referenced", "around", "replies", "thread")}),
        ("Attachments and reactions", {"fields": ("files", "reaction_counts", "people", "pinned", "pinned_at")}),
        ("Earlier versions", {"fields": ("revisions_list",)}),
        ("Original data", {"fields": ("id", "type", "payload_json")}),
    )
    readonly_fields = (
        "source", "channel_link", "author_link", "kind", "text", "starter", "referenced", "around", "replies", "thread",
        "files", "reaction_counts", "people", "revisions_list", "payload_json",
    )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        """Select the author and channel together with each message, for list and detail pages."""
        return super().get_queryset(request).select_related("author", "channel")

    def listed_texts(self, rows: Sequence[Message]) -> Mapping[Any, str]:
        """Return the first words of each message, or a description of a message without text."""
        return first_words(rows)

    def row_links(self, row: Message) -> list[RowLink]:
        """Return links to the message in its thread and to Discord."""
        name = f"discord:message:{row.channel.guild_id}:{row.channel_id}:{row.pk}"
        return [
            RowLink(text="View in its thread", address=activity_address("discord", name)),
            RowLink(text="View on Discord", address=f"{row.channel.url}/{row.pk}", out=True),
        ]

    @admin.display(description="channel")
    def channel_link(self, message: Message) -> Any:
        """Link to the channel or thread."""
        return page_link(message.channel)

    @admin.display(description="author", ordering="author")
    def author_link(self, message: Message) -> Any:
        """Show the name of the author as a link to all messages of the author."""
        return list_link(Message, author_name(message), author__id__exact=message.author_id)

    @admin.display(description="text")
    def text(self, message: Message) -> Any:
        """Show the whole text. Mentions are shown as names."""
        content = text_of(message)
        return paragraph(names_in([content]).resolved(content), message)

    @admin.display(description="kind", ordering="type")
    def kind(self, message: Message) -> str:
        """Return the display name of the message's type."""
        return type_name(f"discord.{message_type(message.type)}")

    @admin.display(description="Discord")
    def source(self, message: Message) -> Any:
        """Link to the message on Discord."""
        return discord_link(message.channel, message.pk)

    @admin.display(description="first message of the thread")
    def starter(self, message: Message) -> Any:
        """Show the first message of the thread. This message is in the parent channel and has the id of the thread."""
        return message_list(_messages(pk=message.channel_id)) if message.channel.is_thread else EMPTY

    @admin.display(description="refers to")
    def referenced(self, message: Message) -> Any:
        """Show the message that this message replies to, forwards or refers to."""
        if not message.reply_to:
            return EMPTY
        stored = list(_messages(pk=message.reply_to))
        return message_list(stored) if stored else f"{message.reply_to}, which is not stored"

    @admin.display(description="messages before and after")
    def around(self, message: Message) -> Any:
        """List the message with the messages directly before and after it."""
        before = _messages(channel_id=message.channel_id, pk__lt=message.pk).order_by("-pk")[:AROUND]
        after = _messages(channel_id=message.channel_id, pk__gt=message.pk).order_by("pk")[:AROUND]
        return message_list([*before, message, *after], here=message.pk)

    @admin.display(description="replies")
    def replies(self, message: Message) -> Any:
        """List the messages that refer to this message."""
        return message_list(_messages(reply_to=message.pk).order_by("pk")[:MAX_ROWS])

    @admin.display(description="thread started here")
    def thread(self, message: Message) -> Any:
        """Link to the thread that this message started."""
        thread = Channel.objects.filter(pk=message.pk, is_thread=True).first()
        return page_link(thread) if thread else EMPTY

    @admin.display(description="files")
    def files(self, message: Message) -> Any:
        """List the names and sizes of attached files. They are not linked, because Discord's file URLs expire."""
        attachments = objects(message.payload, "attachments")
        return html_list(
            ((text(file, "filename"), str(file.get("size") or "?")) for file in attachments), "<bdi>{}</bdi>, {} bytes"
        )

    @admin.display(description="reactions")
    def reaction_counts(self, message: Message) -> Any:
        """List the number of normal reactions and of super reactions for each emoji."""
        counts = ((emoji, of.get("normal", 0), of.get("burst", 0)) for emoji, of in message.reactions.items())
        return html_list(counts, "<bdi>{}</bdi> {} (super: {})")

    @admin.display(description="who reacted")
    def people(self, message: Message) -> Any:
        """List the people who reacted, if they were collected."""
        reactors = Reactor.objects.filter(message=message).select_related("account").order_by("pk")[:MAX_ROWS]
        return html_list(((one.emoji, str(one.account)) for one in reactors), "<bdi>{}</bdi> <bdi>{}</bdi>")

    @admin.display(description="earlier versions")
    def revisions_list(self, message: Message) -> Any:
        """List the earlier versions, the latest version first."""
        revisions = Revision.objects.filter(message=message)[:MAX_ROWS]
        rows = ((_span(one), paragraph(one.content, one)) for one in revisions)
        return html_list(rows, "{} {}")

    @admin.display(description="payload")
    def payload_json(self, message: Message) -> Any:
        """Show the beginning of the payload as JSON, up to 20,000 characters."""
        return format_html("<pre>{}</pre>", json.dumps(message.payload, ensure_ascii=False, indent=1)[:20_000])


@admin.register(Revision)
class RevisionAdmin(ListedTexts, MirrorAdmin):
    """Admin of earlier versions of messages."""

    list_display = ("replaced_at", "written_at", "message_link", "text_start")
    list_filter = ("replaced_at",)
    list_select_related = ("message",)
    search_fields = ("content", "=message__id")
    raw_id_fields = ("message",)

    @admin.display(description="message")
    def message_link(self, revision: Revision) -> Any:
        """Link to the message."""
        return page_link(revision.message)

    def listed_texts(self, rows: Sequence[Revision]) -> Mapping[Any, str]:
        """Return the first words of each earlier version, by id."""
        mentions = markup([revision.content for revision in rows])
        return {revision.pk: excerpt(revision.content, mentions) for revision in rows}


@admin.register(Reactor)
class ReactorAdmin(MirrorAdmin):
    """Admin of individual reactions: who reacted with which emoji."""

    list_display = ("emoji", "account", "burst", "message")
    list_filter = ("burst",)
    list_select_related = ("account", "message")
    search_fields = ("=message__id", "=account__username", "emoji")
    raw_id_fields = ("message", "account")


def _span(revision: Revision) -> str:
    return f"{revision.written_at:%Y-%m-%d %H:%M} to {revision.replaced_at:%Y-%m-%d %H:%M} UTC"


def _messages(**conditions: object) -> Any:
    return Message.objects.filter(**conditions).select_related("author")
