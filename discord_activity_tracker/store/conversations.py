"""Group messages into conversations, the documents of the search index.

A conversation consists of consecutive messages in a channel without a gap of 30 minutes or more. In a thread or forum
post, gaps are ignored. A conversation ends at a maximum size, so that documents do not grow without limit. The grouping
depends only on the stored messages, not on the order in which they arrived. Edits and deletions do not change it.

Usually, messages arrive after all stored messages. When messages arrive before stored ones (after an import, or when a
channel becomes readable), the following messages are regrouped. Regrouping stops at the next message that still starts
a conversation.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from core.ingest.timeline_move import bring_over
from core.ingest.values import Row
from core.models import Document
from core.search.documents import DocumentMark, document_key, mark_changed, mark_deleted
from discord_activity_tracker.models import Message

GAP = timedelta(minutes=30)
"""Time without a message in a channel after which a new conversation starts.

A larger value would join unrelated messages. A smaller value would separate related messages.
"""
MOST = 100
"""Maximum number of messages in a conversation, so that documents do not grow without limit.

With a smaller value, more discussions would be split into several documents.
"""
STEP = 500
"""Number of stored messages to read at once while regrouping.

A larger value would use more memory. A smaller value would need more SQL statements.
"""
GroupedMessage = tuple[int, datetime, int | None]
"""A message: its id, its time and its stored conversation. The conversation is ``None`` for a new message."""
MOVE = """
    WITH moved AS (
        UPDATE discord_activity_tracker_message AS m SET conversation = given.conversation
        FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, conversation) WHERE m.id = given.id RETURNING m.id
    )
    UPDATE core_activity AS a SET thread_number = given.conversation
    FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, conversation)
    WHERE a.number = given.id AND a.code = ''
        AND a.prefix_id = (SELECT id FROM core_externalidprefix WHERE source_system = 'discord' AND text = %s)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """The channel or thread that contains messages.

    ``scope_id`` is the primary key of the scope. A thread has the scope of its channel.
    """

    guild_id: int
    channel_id: int
    scope_id: int
    is_thread: bool

    def message(self, message: int | str) -> str:
        """Return the external id of a message, or its beginning if ``message`` is empty."""
        return f"discord:message:{self.guild_id}:{self.channel_id}:{message}"

    def document(self, conversation: int | str) -> str:
        """Return the external id of a conversation's document, or its beginning if ``conversation`` is empty."""
        return f"discord:conversation:{self.guild_id}:{self.channel_id}:{conversation}"


def assign_conversations(
    rows: Sequence[Row], stored: Mapping[int, Mapping[str, Any]], location: Location
) -> dict[int, int]:
    """Return the conversation of each row, by message id.

    Call this function in the transaction that writes the rows. Stored messages after the new ones may be regrouped. The
    function runs two or three SQL statements, and more if stored messages are regrouped. It runs none if all messages
    are ``stored``.
    """
    assigned: dict[int, int] = {row["id"]: stored[row["id"]]["conversation"] for row in rows if row["id"] in stored}
    new: list[GroupedMessage] = sorted((row["id"], row["created_at"], None) for row in rows if row["id"] not in stored)
    if not new:
        return assigned
    in_channel = Message.objects.filter(channel_id=location.channel_id)
    last = in_channel.filter(pk__lt=new[0][0]).order_by("-pk").values_list("created_at", "conversation").first()
    size = in_channel.filter(conversation=last[1], pk__lt=new[0][0]).count() if last else 0
    moved: dict[int, tuple[int, int]] = {}
    for (pk, _, before), conversation in _group(_merged(new, _stored_after(new[0][0], location)), last, size, location):
        if before is None:
            assigned[pk] = conversation
        elif before == pk == conversation and pk > new[-1][0]:
            break  # this message still starts a conversation, so all following groups are unchanged
        elif before != conversation:
            moved[pk] = (before, conversation)
    _move(moved, location)
    return assigned | {pk: moved[pk][1] for pk in assigned if pk in moved}


def append_to_conversations(
    new: Iterable[tuple[int, datetime]], last: tuple[int, datetime, int, int] | None, location: Location
) -> dict[int, int]:
    """Return the conversation of each message, by message id.

    All messages must be newer than the stored messages of the location. ``last`` is the last stored message: its id,
    its time, its conversation, and the size of that conversation.
    """
    messages: list[GroupedMessage] = sorted((pk, created_at, None) for pk, created_at in new)
    before = last and (last[1], last[2])
    size = last[3] if last else 0
    return {message[0]: conversation for message, conversation in _group(messages, before, size, location)}


def request_reindex(conversations: Mapping[Location, Iterable[int]]) -> None:
    """Add these conversations to the index queue, so that they are rendered again."""
    mark_changed(
        DocumentMark(
            source_system="discord", external_id=location.document(first), kind="conversation",
            scope_id=location.scope_id,
        )
        for location, ids in conversations.items()
        for first in set(ids)
    )  # fmt: skip


def request_reindex_of_threads(threads: Collection[int]) -> None:
    """Add the conversations of threads with a new name, tags or lock to the index queue, in the caller's transaction.

    ``threads`` may also contain channels. These are ignored, because their documents do not contain the channel's name.
    """
    if not threads:
        return
    messages = Message.objects.filter(channel_id__in=threads, channel__is_thread=True)
    conversations = messages.order_by().values_list("channel__guild_id", "channel_id", "conversation").distinct()
    names = (f"discord:conversation:{guild}:{channel}:{first}" for guild, channel, first in conversations)
    live = Document.objects.filter(key__in=[document_key("discord", name) for name in names], deleted_at=None)
    mark_changed(
        DocumentMark(source_system="discord", external_id=name, kind=kind, scope_id=scope_id)
        for name, kind, scope_id in live.values_list("external_id", "kind", "scope_id")
    )


def request_reindex_of_channels(guild_id: int, channels: Collection[int]) -> None:
    """Add all conversations of channels and their threads to the index queue, in the caller's transaction."""
    if not channels:
        return
    names = [f"{guild_id}/{pk}" for pk in channels]
    live = Document.objects.filter(
        scope__source_system="discord", scope__external_id__in=names, deleted_at=None
    ).values_list("external_id", "kind", "scope_id")
    mark_changed(
        DocumentMark(source_system="discord", external_id=name, kind=kind, scope_id=scope_id)
        for name, kind, scope_id in live
    )


def _stored_after(pk: int, location: Location) -> Iterator[GroupedMessage]:
    """Yield the stored messages above an id in a channel or thread, read in portions as needed.

    Usually, there are none.
    """
    in_channel = Message.objects.filter(channel_id=location.channel_id).order_by("pk")
    while page := list(in_channel.filter(pk__gt=pk).values_list("pk", "created_at", "conversation")[:STEP]):
        yield from page
        if len(page) < STEP:
            return
        pk = page[-1][0]


def _group(
    messages: Iterable[GroupedMessage], last: tuple[datetime, int] | None, size: int, location: Location
) -> Iterator[tuple[GroupedMessage, int]]:
    """Yield each message with its conversation.

    ``last`` is the time and the conversation of the preceding message. That conversation has ``size`` messages so far.
    """
    at, conversation = last or (None, 0)
    for message in messages:
        pk, created_at, _ = message
        if at is None or size >= MOST or (not location.is_thread and created_at - at >= GAP):
            conversation, size = pk, 0
        yield message, conversation
        at, size = created_at, size + 1


def _merged(new: Sequence[GroupedMessage], stored: Iterator[GroupedMessage]) -> Iterator[GroupedMessage]:
    """Yield new and stored messages, ordered by id."""
    waiting = list(reversed(new))
    for message in stored:
        while waiting and waiting[-1][0] < message[0]:
            yield waiting.pop()
        yield message
    yield from reversed(waiting)


def _move(moved: Mapping[int, tuple[int, int]], location: Location) -> None:
    """Move stored messages to other conversations. Mark the documents of conversations without messages as deleted."""
    if not moved:
        return
    bring_over("discord", [location.message(pk) for pk in moved])
    targets = [new for _, new in moved.values()]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [list(moved), targets, list(moved), targets, location.message("")])
    touched = {conversation for pair in moved.values() for conversation in pair}
    rest = Message.objects.filter(conversation__in=touched).values_list("conversation", flat=True)
    remaining = set(rest) | set(targets)
    request_reindex({location: touched & remaining})
    mark_deleted("discord", map(location.document, touched - remaining), timezone.now())
