"""Render conversations as documents of the search index.

The content of a document comes only from its own messages. Therefore, a changed message requires one conversation to be
rendered again, and a deleted message is not quoted elsewhere. Names of people, channels and roles are current at the
time of rendering.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.operations.markdown import Flavour, Markup, excerpt
from core.search.documents import Passage, RenderedDocument
from discord_activity_tracker.convert.message_text import message_text
from discord_activity_tracker.convert.privacy import PRIVATE_THREAD, is_hidden
from discord_activity_tracker.documents.heads import TITLE_LENGTH, conversation_title, tags_of
from discord_activity_tracker.documents.markup import names_in
from discord_activity_tracker.models import Channel, Message, Role


def _quote(text: str, limit: int = 60) -> str:
    """Return the beginning of a text as one line of at most ``limit`` characters, with an ellipsis if it was cut."""
    line = " ".join(text[: 5 * limit].split())
    return line if len(line) <= limit else f"{line[:limit].rstrip()}…"


REPLY = 19
"""The message type of a reply."""
KIND = "conversation"
CHAT = Markup(flavour=Flavour.CHAT)
FIELDS = (
    "id", "channel", "conversation", "type", "content", "payload", "webhook_name", "created_at", "edited_at",
    "reply_to",
)  # fmt: skip


class DiscordDocuments:
    """The ``DocumentSource`` of this tracker. The number of SQL statements does not depend on the size of a batch."""

    source_system = "discord"
    renderer_version = 4

    def render(self, external_ids: Sequence[str]) -> Iterator[RenderedDocument]:
        """Yield the documents of the conversations that still contain live messages."""
        names = {int(name.rpartition(":")[2]): name for name in external_ids}
        conversations = _messages(list(names))
        texts = {
            message.pk: message_text(message.content, message.payload)
            for messages in conversations.values()
            for message in messages
        }
        people = names_in(texts.values())
        texts = {pk: people.resolved(text) for pk, text in texts.items()}
        channels = _channels({messages[0].channel_id for messages in conversations.values()})
        answered = _authors_elsewhere(conversations)
        private = _private_channels(channels)
        for first, messages in conversations.items():
            document = _document(names[first], messages, texts, channels, answered)
            yield replace(document, private=messages[0].channel_id in private)


def _messages(conversations: list[int]) -> dict[int, list[Message]]:
    """Return the live messages of each conversation, the oldest first.

    Conversations without live messages are absent.
    """
    by_conversation: dict[int, list[Message]] = defaultdict(list)
    live = Message.objects.filter(conversation__in=conversations, deleted_at=None).select_related("author")
    for message in live.only(*FIELDS, "author__username", "author__global_name").order_by("pk"):
        by_conversation[message.conversation].append(message)
    return by_conversation


def _channels(ids: set[int]) -> dict[int, Channel]:
    """Return channels by id, including the parents of threads, which define the names of tags and the permissions."""
    channels = {channel.pk: channel for channel in Channel.objects.filter(pk__in=ids)}
    parents = {channel.parent_id for channel in channels.values() if channel.is_thread}
    return channels | {channel.pk: channel for channel in Channel.objects.filter(pk__in=parents - {None})}


def _private_channels(channels: Mapping[int, Channel]) -> set[int]:
    """Return the ids of these channels and threads that not everyone in the server can read.

    A thread has the permissions of its channel. The role that everyone has is the one with the id of the guild.
    """
    guilds = {channel.guild_id for channel in channels.values()}
    everyone = dict(Role.objects.filter(pk__in=guilds, deleted_at=None).values_list("pk", "payload"))
    hidden = {
        channel.pk for channel in channels.values()
        if not channel.is_thread and is_hidden(channel.payload, channel.guild_id, everyone.get(channel.guild_id))
    }  # fmt: skip
    threads = {channel.pk for channel in channels.values() if channel.is_thread and channel.parent_id in hidden}
    return hidden | threads | {channel.pk for channel in channels.values() if channel.kind == PRIVATE_THREAD}


def _authors_elsewhere(conversations: Mapping[int, list[Message]]) -> dict[int, str]:
    """Return the author of each message that gets a reply from another conversation, by message id."""
    wanted = {
        message.reply_to
        for messages in conversations.values()
        for message in messages
        if message.type == REPLY and message.reply_to
    }
    replied = Message.objects.filter(pk__in=wanted).select_related("author") if wanted else Message.objects.none()
    return {message.pk: _author(message) for message in replied.only("webhook_name", "author")}


def _document(
    name: str,
    messages: list[Message],
    texts: Mapping[int, str],
    channels: Mapping[int, Channel],
    answered: Mapping[int, str],
) -> RenderedDocument:
    channel, own = channels[messages[0].channel_id], {message.pk: message for message in messages}
    with_text = [message for message in messages if texts[message.pk]]
    opening = next((message for message in with_text if message.content), with_text[0] if with_text else messages[0])
    tags = tags_of(channel, channels.get(channel.parent_id or 0)) if channel.is_thread else []
    passages = [
        Passage(text="\n\n".join(filter(None, [" ".join(tags) if message is opening else "", texts[message.pk]])),
                author=_author(message), at=message.created_at, url=f"{channel.url}/{message.pk}",
                heading=_reply_heading(message, own, texts, answered), kind="message")
        for message in messages if texts[message.pk] or message is opening
    ]  # fmt: skip
    return RenderedDocument(
        external_id=name,
        kind=KIND,
        title=conversation_title(channel, excerpt(texts[opening.pk], CHAT, TITLE_LENGTH), opening.created_at),
        url=f"{channel.url}/{messages[0].pk}",
        author=_author(opening),
        occurred_at=messages[0].created_at,
        passages=passages,
        state=("closed" if channel.locked else "open") if channel.is_thread else "",
        labels=tags,
        changed_at=max(message.edited_at or message.created_at for message in messages),
    )


def _author(message: Message) -> str:
    return message.webhook_name or (str(message.author) if message.author else "")


def _reply_heading(
    message: Message, own: Mapping[int, Message], texts: Mapping[int, str], answered: Mapping[int, str]
) -> str:
    """Return a heading for a reply: the author of the original message, and a quotation from that message.

    A message in another conversation is not quoted, because the quotation would not be updated after an edit.
    """
    if message.type != REPLY or not message.reply_to:
        return ""
    if replied := own.get(message.reply_to):
        return f"re {_author(replied)}: {_quote(texts[replied.pk])}"
    author = answered.get(message.reply_to, "")
    return f"re {author}" if author else ""
