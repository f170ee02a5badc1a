"""Which messages make one conversation: a function of the messages that are kept, whatever the order they came in.

A run of messages in a channel without a gap of half an hour; in a thread or forum post there is no gap. Closed at a
size, so that one document never grows for ever. Deletions and edits move nothing: tombstones keep their place. Mostly
messages come behind those that are kept; when they come before some (an import, a channel that opens late), what
follows them is cut anew up to the next place where a conversation begins as before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from core.ingest.values import Row
from core.models import Document
from core.search.documents import DocumentMark, mark_changed, mark_deleted
from discord_activity_tracker.models import Message
from discord_activity_tracker.store.places import Place

GAP = timedelta(minutes=30)
MOST = 100
"""Messages in one conversation."""
STEP = 500
Standing = tuple[int, datetime, int | None]
"""A message: id, time, and the conversation that it is kept in; ``None`` when it is new."""
MOVE = """
    WITH moved AS (
        UPDATE discord_activity_tracker_message AS m SET conversation = given.conversation
        FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, conversation) WHERE m.id = given.id RETURNING m.id
    )
    UPDATE core_activity AS a SET thread = given.thread FROM unnest(%s::text[], %s::text[]) AS given (name, thread)
    WHERE a.source_system = 'discord' AND a.external_id = given.name
"""


def conversations_for(rows: Sequence[Row], known: Mapping[int, Mapping[str, Any]], place: Place) -> dict[int, int]:
    """The conversation of each row, in the caller's transaction, which stores the rows; messages behind them may move.

    Three statements when something is new, none where everything is kept already.
    """
    found: dict[int, int] = {row["id"]: known[row["id"]]["conversation"] for row in rows if row["id"] in known}
    new: list[Standing] = sorted((row["id"], row["created_at"], None) for row in rows if row["id"] not in known)
    if not new:
        return found
    here = Message.objects.filter(channel_id=place.channel_id)
    last = here.filter(pk__lt=new[0][0]).order_by("-pk").values_list("created_at", "conversation").first()
    size = here.filter(conversation=last[1], pk__lt=new[0][0]).count() if last else 0
    moved: dict[int, tuple[int, int]] = {}
    for (pk, _, old), talk in _cut(_merged(new, _behind(new[0][0], place)), last, size, place):
        if old is None:
            found[pk] = talk
        elif old == pk == talk and pk > new[-1][0]:
            break  # it begins here as before, and so does everything after it
        elif old != talk:
            moved[pk] = (old, talk)
    _move(moved, place)
    return found | {pk: moved[pk][1] for pk in found if pk in moved}


def cut_behind(
    new: Iterable[tuple[int, datetime]], last: tuple[int, datetime, int, int] | None, place: Place
) -> dict[int, int]:
    """The same for messages behind all that is kept, of which the ``last`` is: id, time, conversation, its size."""
    standing: list[Standing] = sorted((pk, created_at, None) for pk, created_at in new)
    before = last and (last[1], last[2])
    return {message[0]: talk for message, talk in _cut(standing, before, last[3] if last else 0, place)}


def _behind(pk: int, place: Place) -> Iterator[Standing]:
    """What is kept behind a message, read as far as it is needed; mostly nothing."""
    here = Message.objects.filter(channel_id=place.channel_id).order_by("pk")
    while page := list(here.filter(pk__gt=pk).values_list("pk", "created_at", "conversation")[:STEP]):
        yield from page
        if len(page) < STEP:
            return
        pk = page[-1][0]


def _cut(
    standing: Iterable[Standing], last: tuple[datetime, int] | None, size: int, place: Place
) -> Iterator[tuple[Standing, int]]:
    """Each message with its conversation, which goes on from the ``last`` one before, of ``size`` messages so far."""
    at, talk = last or (None, 0)
    for message in standing:
        pk, created_at, _ = message
        if at is None or size >= MOST or (not place.is_thread and created_at - at >= GAP):
            talk, size = pk, 0
        yield message, talk
        at, size = created_at, size + 1


def _merged(new: Sequence[Standing], kept: Iterator[Standing]) -> Iterator[Standing]:
    """Both in the order of their ids."""
    waiting = list(reversed(new))
    for message in kept:
        while waiting and waiting[-1][0] < message[0]:
            yield waiting.pop()
        yield message
    yield from reversed(waiting)


def _move(moved: Mapping[int, tuple[int, int]], place: Place) -> None:
    """Put kept messages into other conversations; those that nothing is left of become tombstones."""
    if not moved:
        return
    activities = [f"discord:message:{place.guild_id}:{place.channel_id}:{pk}" for pk in moved]
    talks = [new for _, new in moved.values()]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [list(moved), talks, activities, [place.document(talk) for talk in talks]])
    touched = {talk for pair in moved.values() for talk in pair}
    left = set(Message.objects.filter(conversation__in=touched).values_list("conversation", flat=True)) | set(talks)
    mark_changed(
        DocumentMark(
            source_system="discord", external_id=place.document(talk), kind="conversation", scope_id=place.scope_id
        )
        for talk in touched & left
    )
    empty = Document.objects.filter(external_id__in=[place.document(talk) for talk in touched - left])
    mark_deleted("discord", empty.values_list("external_id", flat=True), timezone.now())
