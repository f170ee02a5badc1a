"""The full texts behind activities."""

from collections.abc import Mapping, Sequence

from discord_activity_tracker.documents.lines import message_ids
from discord_activity_tracker.models import Message


def bodies(external_ids: Sequence[str]) -> Mapping[str, str]:
    """Contents of messages by external id, as they were written; one statement."""
    names = message_ids(external_ids)
    kept = Message.objects.filter(pk__in=list(names)).values_list("pk", "content")
    return {names[pk]: content for pk, content in kept.iterator(chunk_size=2000)}
