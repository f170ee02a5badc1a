"""Threads under a new name, or with other tags: both are shown by their conversations."""

from collections.abc import Collection

from core.models import Document
from core.search.documents import DocumentMark, mark_changed
from discord_activity_tracker.models import Message


def mark_retitled(threads: Collection[int]) -> None:
    """Mark the conversations of threads, in the caller's transaction. Channels' names are not part of documents."""
    if not threads:
        return
    talks = Message.objects.filter(channel_id__in=threads, channel__is_thread=True)
    found = talks.order_by().values_list("channel__guild_id", "channel_id", "conversation").distinct()
    names = [f"discord:conversation:{guild}:{channel}:{first}" for guild, channel, first in found]
    alive = Document.objects.filter(source_system="discord", external_id__in=names, deleted_at=None)
    mark_changed(
        DocumentMark(source_system="discord", external_id=name, kind=kind, scope_id=scope_id)
        for name, kind, scope_id in alive.values_list("external_id", "kind", "scope_id")
    )
