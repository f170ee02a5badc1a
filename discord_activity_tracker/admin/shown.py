"""How messages and links look on the pages. Whatever people wrote is shown as text, in a direction of its own."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core.admin import link
from core.admin.long_texts import excerpt, text_address
from discord_activity_tracker.convert import said, summary
from discord_activity_tracker.models import Channel, Message

NOTHING = "-"
EXCERPT = 200


class Gone(admin.SimpleListFilter):
    """Still there, or a tombstone."""

    title, parameter_name = "deleted", "deleted"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """The two."""
        return [("no", "still there"), ("yes", "deleted")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Those rows."""
        return queryset.filter(deleted_at__isnull=self.value() == "no") if self.value() else queryset


def page_of(row: Any, text: object = "") -> Any:
    """A link to the page of a row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}"><bdi>{}</bdi></a>', reverse(name, args=[row.pk]), str(text or row) or row.pk)


def list_of(model: Any, text: str, **conditions: object) -> Any:
    """A link to a list with a filter."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    asked = "&".join(f"{key}={value}" for key, value in conditions.items())
    return format_html('<a href="{}?{}">{}</a>', reverse(name), asked, text)


def words(message: Message) -> str:
    """Everything that a message says, as one text."""
    return said(message.content, message.payload)


def author(message: Message) -> str:
    """Who wrote it."""
    return message.webhook_name or str(message.author or "somebody")


def lines(messages: Iterable[Message], *, here: int | None = None) -> Any:
    """Messages as a list, the oldest first; the one of the page itself is not a link."""
    rows = [
        (
            _when(message, here),
            author(message),
            words(message)[:EXCERPT] or f"({summary(message.type, '', message.payload)})",
            " (deleted)" if message.deleted_at else "",
        )
        for message in sorted(messages, key=lambda message: message.pk)
    ]
    found = format_html_join("", "<li>{} <strong><bdi>{}</bdi></strong>: <bdi>{}</bdi>{}</li>", rows)
    return format_html("<ul>{}</ul>", found) if found else NOTHING


def _when(message: Message, here: int | None) -> Any:
    time = f"{message.created_at:%Y-%m-%d %H:%M}"
    return time if message.pk == here else page_of(message, time)


def paragraph(text: str, row: Any) -> Any:
    """Return a text with its line breaks; of a very long one the beginning, with a link to the content of its row."""
    if not text:
        return NOTHING
    return format_html("<blockquote><bdi>{}</bdi></blockquote>", excerpt(text, text_address(row, "content")))


def items(texts: Iterable[tuple[object, ...]], pattern: str) -> Any:
    """A list of a few things."""
    found = format_html_join("", f"<li>{pattern}</li>", texts)
    return format_html("<ul>{}</ul>", found) if found else NOTHING


def to_discord(channel: Channel, message_id: int | None = None) -> Any:
    """A link to the place in Discord."""
    return link(f"{channel.url}/{message_id}" if message_id else channel.url)
