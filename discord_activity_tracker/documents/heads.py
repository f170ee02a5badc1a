"""Return the headings of conversations. The title is the thread's name, or else the beginning of the text."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import BooleanField, Case, Value, When

from core.operations.markdown import excerpt
from core.trackers import ThreadHead
from discord_activity_tracker.convert.message_text import message_text
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Channel, Message

TITLE_LENGTH = 100
"""Maximum number of characters of a title that is taken from a message. Thread names on Discord have the same limit."""
FORUMS = {"forum", "media"}


def heads(threads: Sequence[str]) -> Mapping[str, ThreadHead]:
    """Return the headings of threads and conversations by external id, in at most six SQL statements."""
    names = {name: ids for name in threads if (ids := conversation_ids(name))}
    channels = with_parents(channel for channel, _ in names.values())
    openings = _openings([first for _, first in names.values()])
    return {
        name: _head(channels[channel], channels, openings.get(first), first)
        for name, (channel, first) in names.items()
        if channel in channels
    }


def conversation_ids(name: str) -> tuple[int, int] | None:
    """Return the channel id and first message id in a conversation's external id, or ``None`` for any other text."""
    match name.split(":"):
        case ["discord", "conversation", _, channel, first] if all(
            part.isascii() and part.isdigit() and len(part) < 20 for part in (channel, first)
        ):
            return int(channel), int(first)
        case _:
            return None


def with_parents(ids: Iterable[int]) -> dict[int, Channel]:
    """Return channels by id, including the parent channels of threads, in at most two SQL statements."""
    channels = Channel.objects.in_bulk(list(ids))
    parents = {channel.parent_id for channel in channels.values() if channel.is_thread and channel.parent_id}
    return channels | Channel.objects.in_bulk(list(parents - channels.keys()))


def channel_path(channel: Channel, channels: Mapping[int, Channel]) -> str:
    """Return the path of a channel or thread, such as ``#general › Gauge files``."""
    if not channel.is_thread:
        return f"#{channel}"
    parent = channels.get(channel.parent_id or 0)
    return f"#{parent} › {channel}" if parent else str(channel)


def conversation_title(channel: Channel, opening: str, at: datetime | None) -> str:
    """Return the name of the thread, or else ``opening``, or else the channel and the day.

    ``opening`` is the beginning of the conversation's text.
    """
    if channel.is_thread and channel.name:
        return channel.name
    return opening or (f"#{channel}, {at:%d %B %Y}" if at else f"#{channel}")


def _openings(conversations: list[int]) -> dict[int, tuple[str, datetime]]:
    """Return the beginning of each conversation's text, with the time of that message.

    The first message with content is used. If no message has content, the text comes from the other parts of the first
    message, such as embeds and files.
    """
    without_content = Case(When(content="", then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = list(
        Message.objects.filter(conversation__in=conversations, deleted_at=None)
        .annotate(without_content=without_content)
        .order_by("conversation", "without_content", "pk")
        .distinct("conversation")
        .values_list("conversation", "content", "payload", "created_at")
    )
    texts = {conversation: (message_text(content, payload), at) for conversation, content, payload, at in rows}
    names = markup([text for text, _ in texts.values()])
    return {conversation: (excerpt(text, names, TITLE_LENGTH), at) for conversation, (text, at) in texts.items()}


def _head(
    channel: Channel, channels: Mapping[int, Channel], opening: tuple[str, datetime] | None, first: int
) -> ThreadHead:
    words, at = opening or ("", None)
    parent = channels.get(channel.parent_id or 0) if channel.is_thread else None
    kind = "post" if parent and parent.kind in FORUMS else "thread" if channel.is_thread else "conversation"
    state = "deleted" if channel.deleted_at else "locked" if channel.locked else "archived" if channel.archived else ""
    return ThreadHead(
        title=conversation_title(channel, words, at), kind=kind, state=state,
        tone="bad" if channel.deleted_at else "", labels=tags_of(channel, parent) if parent else [],
        place=f"#{parent or channel}", url=f"{channel.url}/{first}",
    )  # fmt: skip


def tags_of(channel: Channel, forum: Channel | None) -> list[str]:
    """Return the names of the tags that are applied to a forum post."""
    offered = forum.tags if forum else []
    known = {str(tag.get("id")): str(tag.get("name") or "") for tag in offered if isinstance(tag, dict)}
    return [known[str(tag)] for tag in channel.tags if known.get(str(tag))]
