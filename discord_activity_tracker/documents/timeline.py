"""Compute the texts that the timeline does not store for messages: authors, URLs, summaries and words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from core.timeline import WordsQuery
from core.trackers import ActivityTexts
from discord_activity_tracker.convert.message_text import summarize
from discord_activity_tracker.documents.posts import message_ids
from discord_activity_tracker.models import Account, Message
from discord_activity_tracker.models.messages import BEGINNING, START

if TYPE_CHECKING:
    from django.contrib.postgres.search import SearchQuery

    from core.models import Activity

MOST_ACCOUNTS = 1000
"""Maximum number of accounts with one name to compare. More accounts would make the query slower."""


def activity_texts(activities: "Sequence[Activity]") -> Mapping[str, ActivityTexts]:
    """Return authors, URLs and summaries of messages by external id, in one SQL statement."""
    names = message_ids(row.external_id for row in activities)
    fields = ("pk", "type", "content", "payload", "webhook_name", "author__global_name", "author__username")
    texts: dict[str, ActivityTexts] = {}
    for pk, number, content, payload, webhook, shown, username in Message.objects.filter(
        pk__in=list(names)
    ).values_list(*fields):
        path = names[pk].removeprefix("discord:message:").replace(":", "/")
        texts[names[pk]] = ActivityTexts(
            actor_name=webhook or shown or username or "",
            source_url=f"https://discord.com/channels/{path}",
            summary=summarize(number, content, payload),
        )
    return texts


def account_names(accounts: Sequence[str]) -> Mapping[str, str]:
    """Return the display names of accounts by id, in one SQL statement."""
    return {str(pk): str(account) for pk, account in Account.objects.in_bulk([int(pk) for pk in accounts]).items()}


def accounts_named(name: str) -> list[str]:
    """Return the ids of accounts with this display name, of accounts with this username and no display name, and of the
    webhook that used this name last.
    """
    shown = Q(global_name__iexact=name) | Q(global_name="", username__iexact=name)
    accounts = Account.objects.filter(shown).order_by("pk").values_list("pk", flat=True)[:MOST_ACCOUNTS]
    sent = Message.objects.alias(lowered=Lower("webhook_name")).filter(lowered=name.lower()).exclude(webhook_name="")
    webhooks = sent.order_by("-pk").values_list("author_id", flat=True)[:1]
    return [str(pk) for pk in (*accounts, *webhooks) if pk is not None]


def messages_with_words(query: "SearchQuery") -> QuerySet[Any]:
    """Return a query for the ids of the messages with these words in the beginning of their content."""
    rows = Message.objects.order_by()
    if isinstance(query, WordsQuery):
        return query.in_texts(rows, BEGINNING, START).values("pk")
    return rows.alias(words=BEGINNING).filter(words=query).values("pk")
