"""Messages in words: wrote in, replied in, pinned a message in ..."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.operations.markdown import excerpt
from core.trackers import Line
from discord_activity_tracker.convert.message_text import message_text
from discord_activity_tracker.documents.heads import place_of, with_parents
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Message

if TYPE_CHECKING:
    from core.models import Activity

WROTE = "wrote in"
WORDS = {
    "reply": "replied in", "recipient_add": "added someone to", "recipient_remove": "removed someone from",
    "call": "started a call in", "channel_name_change": "renamed", "channel_icon_change": "changed the icon of",
    "channel_pinned_message": "pinned a message in", "user_join": "joined the server, in",
    "guild_boost": "boosted the server, in",
    "guild_boost_tier_1": "boosted the server to level 1, in",
    "guild_boost_tier_2": "boosted the server to level 2, in",
    "guild_boost_tier_3": "boosted the server to level 3, in", "channel_follow_add": "followed another channel in",
    "thread_created": "started a thread in", "chat_input_command": "used a command in",
    "thread_starter_message": "started", "context_menu_command": "used a command in",
    "auto_moderation_action": "was stopped by a rule in", "stage_start": "started a stage in",
    "stage_end": "ended a stage in",
    "stage_speaker": "became a speaker in", "stage_topic": "changed the topic of the stage in",
    "poll_result": "ended a poll in",
}  # fmt: skip
"""By the type of the message, as the activity names it.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""


def message_ids(external_ids: Iterable[str]) -> dict[int, str]:
    """Return external ids of messages by the message's own; whatever is none is left out."""
    found: dict[int, str] = {}
    for name in external_ids:
        pk = name.rpartition(":")[2]
        if name.startswith("discord:message:") and pk.isascii() and pk.isdigit() and len(pk) < 20:
            found[int(pk)] = name
    return found


def lines(activities: "Sequence[Activity]") -> Mapping[str, Line]:
    """Return the words for messages by external id; at most six statements, however many there are."""
    names = message_ids(row.external_id for row in activities)
    messages = {message.pk: message for message in Message.objects.filter(pk__in=list(names))}
    channels = with_parents(message.channel_id for message in messages.values())
    texts = {pk: message_text(message.content, message.payload) for pk, message in messages.items()}
    mentions = markup(list(texts.values()))
    kinds = {row.external_id: row.activity_type.removeprefix("discord.") for row in activities}
    found: dict[str, Line] = {}
    for pk, message in messages.items():
        if channel := channels.get(message.channel_id):
            kind = kinds[names[pk]]
            is_event = kind in WORDS and kind not in {"reply", "chat_input_command", "context_menu_command"}
            words = "" if is_event and kind != "poll_result" else excerpt(texts[pk], mentions)
            found[names[pk]] = Line(did=WORDS.get(kind, WROTE), subject=place_of(channel, channels), excerpt=words)
    return found
