"""Find the conversations that the references of a query mean: ids and links of messages and channels, and people."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from django.db.models import Q
from django.db.models.functions import Upper

from core.search.query.references import Reference, ReferencedDocument, ReferencePattern, Strength
from discord_activity_tracker.models import Account, Channel, Message

PATTERNS = (
    ReferencePattern(
        kind="id",
        pattern=re.compile(r"(?<![\w./#@-])(?:message[ ]{1,2})?(?P<id>[0-9]{17,19})(?![\w/-]|\.[0-9])", re.IGNORECASE),
        strength=Strength.ITEM,
    ),
)
HOSTS = {
    f"{prefix}{domain}" for prefix in ("", "www.", "ptb.", "canary.") for domain in ("discord.com", "discordapp.com")
}
URL_PATH = re.compile(
    r"/channels/(?:[0-9]{1,20}|@me)/(?P<channel>[0-9]{1,19})(?:/(?:threads/)?(?P<message>[0-9]{1,19}))?/?"
)
LARGEST = 1 << 63
"""The first id that does not fit into a bigint column."""
LATEST_MESSAGES = 300
"""Number of messages that are read for a channel or a person, newest first. They belong to fewer conversations."""
MOST_ACCOUNTS = 10


def find_references(references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
    """Return the conversations of each reference: the conversation of a message, or the latest of a channel or person.

    A link to a deleted message leads to its channel.
    """
    wanted = {reference: ids for reference in references if (ids := _ids(reference))}
    messages = _conversations_of({pk for ids in wanted.values() for pk in ids})
    results: dict[Reference, Sequence[ReferencedDocument]] = {}
    for reference, ids in wanted.items():
        found = [messages[pk] for pk in ids if pk in messages]
        results[reference] = found or _latest(Q(channel__in=ids))
    for reference in references:
        if reference.kind == "person":
            accounts = _accounts(reference.text)
            results[reference] = _latest(Q(author__in=accounts)) if accounts else []
    return {reference: documents for reference, documents in results.items() if documents}


def _ids(reference: Reference) -> list[int]:
    """Return the ids that a reference may mean, the most exact first: a message, a thread or a channel."""
    texts: Iterable[str | None] = ()
    if reference.kind == "id":
        texts = (reference.parts["id"],)
    elif reference.kind == "address":
        try:
            parsed = urlsplit(reference.text if "://" in reference.text else f"https://{reference.text}")
        except ValueError:  # for example an invalid IPv6 address
            return []
        match = URL_PATH.fullmatch(parsed.path) if parsed.netloc.lower() in HOSTS else None
        texts = (match["message"], match["channel"]) if match else ()
    return [int(text) for text in texts if text and int(text) < LARGEST]


def _conversations_of(ids: set[int]) -> dict[int, ReferencedDocument]:
    """Return the documents of messages that are not deleted, by message id, each with the URL of the message."""
    return {document[0]: document[1] for document in _documents(Q(pk__in=ids), len(ids))} if ids else {}


def _latest(condition: Q) -> list[ReferencedDocument]:
    """Return the conversations with the latest messages, each with the URL of its latest message that matches."""
    latest: dict[str, ReferencedDocument] = {}
    for _, document in _documents(condition, LATEST_MESSAGES):
        latest.setdefault(document.external_id, document)
    return list(latest.values())


def _documents(condition: Q, most: int) -> list[tuple[int, ReferencedDocument]]:
    """Return message ids with the documents of the messages, newest first, in two SQL statements."""
    rows = list(
        Message.objects.filter(condition, deleted_at=None)
        .order_by("-pk")
        .values_list("pk", "channel_id", "conversation")[:most]
    )
    channels = Channel.objects.in_bulk({channel for _, channel, _ in rows}) if rows else {}
    return [
        (
            pk,
            ReferencedDocument(
                external_id=f"discord:conversation:{channels[channel].guild_id}:{channel}:{conversation}",
                passage_url=f"{channels[channel].url}/{pk}",
            ),
        )
        for pk, channel, conversation in rows
        if channel in channels
    ]


def _accounts(name: str) -> list[int]:
    """Return the ids of accounts with this user name or display name, ignoring case."""
    accounts = Account.objects.annotate(upper=Upper("username"), shown=Upper("global_name"))
    upper = name.upper()
    return list(accounts.filter(Q(upper=upper) | Q(shown=upper)).values_list("pk", flat=True)[:MOST_ACCOUNTS])
