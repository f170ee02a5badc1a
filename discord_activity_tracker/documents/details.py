"""What belongs to messages beside their words: reactions, what they answer, files, previews, polls."""

from collections.abc import Mapping, Sequence

from core.operations.markdown import excerpt, unix_lines
from core.trackers import PostDetails
from discord_activity_tracker.convert.message_text import message_text, text_parts
from discord_activity_tracker.documents.lines import message_ids
from discord_activity_tracker.documents.markup import markup
from discord_activity_tracker.models import Message

REPLIES = {19, 20, 23}
"""Types of messages that answer another: replies and what commands say."""
QUOTED = 80


def details(external_ids: Sequence[str]) -> Mapping[str, PostDetails]:
    """Return the details of messages by external id; at most five statements."""
    names = message_ids(external_ids)
    messages = Message.objects.in_bulk(list(names))
    wanted = {message.reply_to for message in messages.values() if message.type in REPLIES and message.reply_to}
    answered = Message.objects.select_related("author", "channel").in_bulk(list(wanted)) if wanted else {}
    texts = {pk: message_text(message.content, message.payload) for pk, message in answered.items()}
    mentions = markup([*texts.values(), *(line for one in messages.values() for line in text_parts(one.payload))])
    found: dict[str, PostDetails] = {}
    for pk, message in messages.items():
        asked = answered.get(message.reply_to or 0) if message.type in REPLIES else None
        found[names[pk]] = PostDetails(
            badge="pinned" if message.pinned else "",
            reactions=_reactions(message),
            reply_to=f"discord:message:{asked.channel.guild_id}:{asked.channel_id}:{asked.pk}" if asked else "",
            reply_words=f"{_author(asked)}: {excerpt(texts[asked.pk], mentions, QUOTED)}" if asked else "",
            parts=[
                excerpt(line, mentions) for part in text_parts(message.payload) for line in unix_lines(part).split("\n")
            ],
        )
    return found


def _author(message: Message) -> str:
    return message.webhook_name or str(message.author or "someone")


def _reactions(message: Message) -> list[tuple[str, int]]:
    """Emoji and counts; of a custom emoji its name."""
    return [
        (
            f":{key.partition(':')[0]}:" if key.partition(":")[2] else key,
            int(of.get("normal", 0)) + int(of.get("burst", 0)),
        )
        for key, of in message.reactions.items()
    ]
