"""What the search index asks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from core.operations.markdown import Flavour, Markup, excerpt
from core.search.documents import Passage, RenderedDocument
from discord_activity_tracker.convert.message_text import message_text
from discord_activity_tracker.documents.heads import TITLE_LENGTH, conversation_title, tags_of
from discord_activity_tracker.documents.mentions import names_in
from discord_activity_tracker.documents.texts import quoted
from discord_activity_tracker.models import Channel, Message

REPLY = 19
KIND = "conversation"
CHAT = Markup(flavour=Flavour.CHAT)
SHOWN = ("id", "channel", "conversation", "type", "content", "payload", "webhook_name", "created_at", "reply_to")


class DiscordDocuments:
    """The ``DocumentSource`` of this tracker. A batch costs a constant number of statements."""

    source_system = "discord"
    renderer_version = 2

    def render(self, external_ids: Sequence[str]) -> Iterator[RenderedDocument]:
        """Render what still exists of the named conversations."""
        names = {int(name.rpartition(":")[2]): name for name in external_ids}
        talks = _talks(list(names))
        texts = {
            message.pk: message_text(message.content, message.payload) for talk in talks.values() for message in talk
        }
        people = names_in(texts.values())
        texts = {pk: people.resolved(text) for pk, text in texts.items()}
        channels = _channels({talk[0].channel_id for talk in talks.values()})
        answered = _authors_outside(talks)
        for first, talk in talks.items():
            yield _document(names[first], talk, texts, channels, answered)


def _talks(conversations: list[int]) -> dict[int, list[Message]]:
    """The live messages of each conversation that has any, the oldest first."""
    found: dict[int, list[Message]] = defaultdict(list)
    alive = Message.objects.filter(conversation__in=conversations, deleted_at=None).select_related("author")
    for message in alive.only(*SHOWN, "author__username", "author__global_name").order_by("pk"):
        found[message.conversation].append(message)
    return found


def _channels(ids: set[int]) -> dict[int, Channel]:
    """These channels, and the parents of threads, which know the names of tags."""
    found = {channel.pk: channel for channel in Channel.objects.filter(pk__in=ids)}
    parents = {channel.parent_id for channel in found.values() if channel.is_thread and channel.tags}
    return found | {channel.pk: channel for channel in Channel.objects.filter(pk__in=parents - {None})}


def _authors_outside(talks: Mapping[int, list[Message]]) -> dict[int, str]:
    """Who wrote what is answered from another conversation."""
    here = {message.pk for talk in talks.values() for message in talk}
    wanted = {m.reply_to for talk in talks.values() for m in talk if m.type == REPLY and m.reply_to} - here
    kept = Message.objects.filter(pk__in=wanted).select_related("author") if wanted else Message.objects.none()
    return {message.pk: _author(message) for message in kept.only("webhook_name", "author")}


def _document(
    name: str,
    talk: list[Message],
    texts: Mapping[int, str],
    channels: Mapping[int, Channel],
    answered: Mapping[int, str],
) -> RenderedDocument:
    channel, own = channels[talk[0].channel_id], {message.pk: message for message in talk}
    spoken = [message for message in talk if texts[message.pk]]
    opening = next((message for message in spoken if message.content), spoken[0] if spoken else talk[0])
    tags = tags_of(channel, channels.get(channel.parent_id or 0)) if channel.is_thread else []
    passages = [
        Passage(text="\n\n".join(filter(None, [" ".join(tags) if message is opening else "", texts[message.pk]])),
                author=_author(message), at=message.created_at, url=f"{channel.url}/{message.pk}",
                heading=_answers(message, own, texts, answered))
        for message in talk if texts[message.pk] or message is opening
    ]  # fmt: skip
    return RenderedDocument(
        external_id=name,
        kind=KIND,
        title=conversation_title(channel, excerpt(texts[opening.pk], CHAT, TITLE_LENGTH), opening.created_at),
        url=f"{channel.url}/{talk[0].pk}",
        author=_author(opening),
        occurred_at=talk[0].created_at,
        passages=passages,
    )


def _author(message: Message) -> str:
    return message.webhook_name or (str(message.author) if message.author else "")


def _answers(
    message: Message, own: Mapping[int, Message], texts: Mapping[int, str], answered: Mapping[int, str]
) -> str:
    """Whom a reply answers; with the words when they stand in the same conversation, where they never grow stale."""
    if message.type != REPLY or not message.reply_to:
        return ""
    if asked := own.get(message.reply_to):
        return f"re {_author(asked)}: {quoted(texts[asked.pk])}"
    author = answered.get(message.reply_to, "")
    return f"re {author}" if author else ""
