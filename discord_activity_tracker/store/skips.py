"""What could not be read or converted, as typed skips, and what could be read after all."""

from collections.abc import Collection, Mapping, Sequence

from core.ingest.skips import clear_skips, record_skip
from core.models import SkippedItem
from discord_activity_tracker.convert import Malformed
from discord_activity_tracker.store.checkpoints import COLLECTOR


def record_malformed(items: Sequence[Malformed], scope: str, stream: str) -> int:
    """Record a skip for each malformed item; returns how many."""
    for external_id, reason, payload in items:
        record_skip(
            collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id, reason="malformed",
            detail=reason, payload=payload,
        )  # fmt: skip
    return len(items)


def clear_others(scope: str, stream: str, still: Collection[str]) -> None:
    """Mark the open skips of a list as cleared, except for the ids in ``still``."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope=scope, stream=stream, cleared_at=None)
    for external_id in waiting.exclude(external_id__in=list(still)).values_list("external_id", flat=True):
        clear_skips(collector=COLLECTOR, scope=scope, stream=stream, external_id=external_id)


def open_skips(guild_id: int) -> set[tuple[str, str]]:
    """Scope and stream of everything that is still skipped in the channels of a guild."""
    waiting = SkippedItem.objects.filter(collector=COLLECTOR, scope__startswith=f"{guild_id}/", cleared_at=None)
    return set(waiting.values_list("scope", "stream"))


def malformed_messages(guild_id: int) -> Mapping[str, set[int]]:
    """Return the ids of messages that could not be converted and still wait, by scope."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope__startswith=f"{guild_id}/", stream="messages", reason="malformed", cleared_at=None
    )
    found: dict[str, set[int]] = {}
    for scope, external_id in waiting.values_list("scope", "external_id"):
        if external_id.isascii() and external_id.isdigit():
            found.setdefault(scope, set()).add(int(external_id))
    return found
