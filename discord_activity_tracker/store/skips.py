"""The skips of a guild: list them, and clear those of items that are no longer skipped."""

from collections.abc import Collection, Mapping

from core.ingest.skips import clear_skips
from core.models import SkippedItem
from discord_activity_tracker.store.checkpoints import COLLECTOR


def clear_others(scope: str, stream: str, still: Collection[str]) -> None:
    """Clear the open skips of a list, except for the ids in ``still``."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope=scope, stream=stream, cleared_at=None)
    for external_id in waiting.exclude(external_id__in=list(still)).values_list("external_id", flat=True):
        clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id)


def open_skips(guild_id: int) -> set[tuple[str, str]]:
    """Return scope and stream of each open skip in the channels of a guild."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope__startswith=f"{guild_id}/", cleared_at=None)
    return set(waiting.values_list("scope", "stream"))


def malformed_messages(guild_id: int) -> Mapping[str, set[int]]:
    """Return the ids of malformed messages with open skips, by scope."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope__startswith=f"{guild_id}/", stream="messages", reason="malformed", cleared_at=None
    )
    ids: dict[str, set[int]] = {}
    for scope, external_id in waiting.values_list("scope", "external_id"):
        if external_id.isascii() and external_id.isdigit():
            ids.setdefault(scope, set()).add(int(external_id))
    return ids
