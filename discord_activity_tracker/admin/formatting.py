"""Format messages and links for the admin pages.

Text that users wrote is escaped. Its direction (left to right or right to left) does not affect the text around it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core.admin import link
from core.admin.long_texts import excerpt as long_text
from core.admin.long_texts import text_address
from core.operations.markdown import excerpt
from discord_activity_tracker.convert.message_text import message_text, summarize
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Channel, Message

EMPTY = "-"
EXCERPT = 200
"""Maximum number of characters that a list shows of a message. More characters would make the rows too high."""


class DeletedFilter(admin.SimpleListFilter):
    """Filter rows by whether they were deleted on Discord."""

    title, parameter_name = "deleted", "deleted"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the two choices: rows that still exist on Discord, and deleted rows."""
        return [("no", "still there"), ("yes", "deleted")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Return the rows in the chosen state. Without a choice, return all rows."""
        return queryset.filter(deleted_at__isnull=self.value() == "no") if self.value() else queryset


def page_link(row: Any, text: object = "") -> Any:
    """Return a link to the admin page of a row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}"><bdi>{}</bdi></a>', reverse(name, args=[row.pk]), str(text or row) or row.pk)


def list_link(model: Any, text: str, **conditions: object) -> Any:
    """Return a link to the admin list of a model, filtered by these conditions."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    query = "&".join(f"{key}={value}" for key, value in conditions.items())
    return format_html('<a href="{}?{}">{}</a>', reverse(name), query, text)


def text_of(message: Message) -> str:
    """Return the text of all parts of a message."""
    return message_text(message.content, message.payload)


def author_name(message: Message) -> str:
    """Return the name of a message's author, or "unknown" for a message without a stored author."""
    return message.webhook_name or str(message.author or "unknown")


def first_words(messages: Sequence[Message]) -> dict[int, str]:
    """Return the first words of each message, by id. Mentions are shown as names, and markup is removed.

    A message without text is described in parentheses. The function runs at most three SQL statements.
    """
    texts = {message.pk: text_of(message) for message in messages}
    mentions = markup(list(texts.values()))
    return {
        message.pk: excerpt(texts[message.pk], mentions, EXCERPT) or f"({summarize(message.type, '', message.payload)})"
        for message in messages
    }


def message_list(messages: Iterable[Message], *, here: int | None = None) -> Any:
    """Return messages as an HTML list, the oldest first. The message with the id ``here`` is not linked."""
    listed = sorted(messages, key=lambda message: message.pk)
    words = first_words(listed)
    rows = [
        (
            _time_link(message, here),
            author_name(message),
            words[message.pk],
            " (deleted)" if message.deleted_at else "",
        )
        for message in listed
    ]
    items = format_html_join("", "<li>{} <strong><bdi>{}</bdi></strong>: <bdi>{}</bdi>{}</li>", rows)
    return format_html("<ul>{}</ul>", items) if items else EMPTY


def _time_link(message: Message, here: int | None) -> Any:
    time = f"{message.created_at:%Y-%m-%d %H:%M} UTC"
    return time if message.pk == here else page_link(message, time)


def paragraph(text: str, row: Any) -> Any:
    """Return a text as an HTML quotation with its line breaks.

    A very long text is shortened, and gets a link to the whole content of ``row``.
    """
    if not text:
        return EMPTY
    return format_html("<blockquote><bdi>{}</bdi></blockquote>", long_text(text, text_address(row, "content")))


def html_list(texts: Iterable[tuple[object, ...]], pattern: str) -> Any:
    """Return an HTML list with one item for each tuple, formatted by ``pattern``."""
    listed = format_html_join("", f"<li>{pattern}</li>", texts)
    return format_html("<ul>{}</ul>", listed) if listed else EMPTY


def discord_link(channel: Channel, message_id: int | None = None) -> Any:
    """Return a link to a channel or message on Discord."""
    return link(f"{channel.url}/{message_id}" if message_id else channel.url)
