"""Return the texts, sentences and details of messages for the admin pages, and the earlier versions of the texts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.operations.markdown import excerpt, unix_lines
from core.trackers import EarlierText, Line, PostDetails
from discord_activity_tracker.convert.message_text import message_text, text_parts
from discord_activity_tracker.documents.heads import channel_path, with_parents
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Message, Revision

if TYPE_CHECKING:
    from core.models import Activity

WROTE = "wrote in"
ACTIONS = {
    "reply": "replied in", "recipient_add": "added someone to", "recipient_remove": "removed someone from",
    "call": "started a call in", "channel_name_change": "renamed", "channel_icon_change": "changed the icon of",
    "channel_pinned_message": "pinned a message in", "user_join": "joined the server, in",
    "guild_boost": "boosted the server, in",
    "guild_boost_tier_1": "boosted the server to level 1, in",
    "guild_boost_tier_2": "boosted the server to level 2, in",
    "guild_boost_tier_3": "boosted the server to level 3, in", "channel_follow_add": "followed another channel in",
    "thread_created": "started a thread in", "chat_input_command": "used a command in",
    "thread_starter_message": "started the thread", "context_menu_command": "used a command in",
    "auto_moderation_action": "was stopped by a rule in", "stage_start": "started a stage in",
    "stage_end": "ended a stage in",
    "stage_speaker": "became a speaker in", "stage_topic": "changed the topic of the stage in",
    "poll_result": "ended a poll in",
}  # fmt: skip
"""The action that a message stands for, by the type of the activity.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""


def message_ids(external_ids: Iterable[str]) -> dict[int, str]:
    """Return the external ids of messages by message id. External ids of other objects are ignored."""
    names: dict[int, str] = {}
    for name in external_ids:
        pk = name.rpartition(":")[2]
        if name.startswith("discord:message:") and pk.isascii() and pk.isdigit() and len(pk) < 20:
            names[int(pk)] = name
    return names


def lines(activities: "Sequence[Activity]") -> Mapping[str, Line]:
    """Return a sentence for each message by external id, in at most six SQL statements."""
    names = message_ids(row.external_id for row in activities)
    messages = {message.pk: message for message in Message.objects.filter(pk__in=list(names))}
    channels = with_parents(message.channel_id for message in messages.values())
    texts = {pk: message_text(message.content, message.payload) for pk, message in messages.items()}
    mentions = markup(list(texts.values()))
    kinds = {row.external_id: row.activity_type.removeprefix("discord.") for row in activities}
    result: dict[str, Line] = {}
    for pk, message in messages.items():
        if channel := channels.get(message.channel_id):
            kind = kinds[names[pk]]
            is_event = kind in ACTIONS and kind not in {"reply", "chat_input_command", "context_menu_command"}
            words = "" if is_event and kind != "poll_result" else excerpt(texts[pk], mentions)
            subject = channel_path(channel, channels)
            result[names[pk]] = Line(did=ACTIONS.get(kind, WROTE), subject=subject, excerpt=words)
    return result


def bodies(external_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the contents of messages by external id, in one SQL statement."""
    names = message_ids(external_ids)
    messages = Message.objects.filter(pk__in=list(names)).values_list("pk", "content")
    return {names[pk]: content for pk, content in messages.iterator(chunk_size=2000)}


def revisions(external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
    """Return earlier contents by external id, the latest first, in one SQL statement.

    A revision is left out if it differs from the next version only in a preview or an attachment.
    """
    names = message_ids(external_ids)
    stored = Revision.objects.filter(message_id__in=list(names)).order_by("message_id", "-replaced_at", "-written_at")
    result, next_text = defaultdict[str, list[EarlierText]](list), dict[int, str]()
    rows = stored.values_list("message_id", "content", "written_at", "replaced_at", "message__content")
    for pk, content, written_at, replaced_at, now in rows:
        if content != next_text.get(pk, now):
            result[names[pk]].append(EarlierText(text=content, written_at=written_at, replaced_at=replaced_at))
        next_text[pk] = content
    return result


REPLIES = {19, 20, 23}
"""Types of messages that reply to another message: replies and the output of commands."""
QUOTED = 80
"""Maximum number of characters to quote from the message that a reply refers to.

A larger value would make the line above each reply longer.
"""


def details(external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
    """Return reactions, quoted messages, files, previews and polls by external id, in at most five SQL statements."""
    names = message_ids(external_ids)
    messages = Message.objects.in_bulk(list(names))
    wanted = {message.reply_to for message in messages.values() if message.type in REPLIES and message.reply_to}
    answered = Message.objects.select_related("author", "channel").in_bulk(list(wanted)) if wanted else {}
    texts = {pk: message_text(message.content, message.payload) for pk, message in answered.items()}
    mentions = markup([*texts.values(), *(line for one in messages.values() for line in text_parts(one.payload))])
    result: dict[str, PostDetails] = {}
    for pk, message in messages.items():
        quoted = answered.get(message.reply_to or 0) if message.type in REPLIES else None
        result[names[pk]] = PostDetails(
            badge="pinned" if message.pinned else "",
            reactions=_reactions(message),
            reply_to=f"discord:message:{quoted.channel.guild_id}:{quoted.channel_id}:{quoted.pk}" if quoted else "",
            reply_words=f"{_author(quoted)}: {excerpt(texts[quoted.pk], mentions, QUOTED)}" if quoted else "",
            parts=[
                excerpt(line, mentions) for part in text_parts(message.payload) for line in unix_lines(part).split("\n")
            ],
        )
    return result


def _author(message: Message) -> str:
    return message.webhook_name or str(message.author or "unknown")


def _reactions(message: Message) -> list[tuple[str, int]]:
    """Return pairs of an emoji and its count. A custom emoji is represented by its name."""
    return [
        (
            f":{key.partition(':')[0]}:" if key.partition(":")[2] else key,
            int(of.get("normal", 0)) + int(of.get("burst", 0)),
        )
        for key, of in message.reactions.items()
    ]
