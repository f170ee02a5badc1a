"""How far each stream of a repository has been read."""

from typing import Any

from django.utils import timezone

from core.db.upsert import upsert
from core.models import Checkpoint, SkippedItem
from core.protocols import IncrementalState
from github_activity_tracker.protocol_impl import GitHubState

COLLECTOR = "github"


def load_state(repository_id: int, stream: str) -> GitHubState:
    """The state that was saved with the last page of a stream; an empty one when there is none."""
    kept = Checkpoint.objects.filter(collector=COLLECTOR, scope=str(repository_id), stream=stream).first()
    if kept is None:
        return GitHubState()
    return GitHubState(
        checkpoint_token=kept.checkpoint_token, human_readable_marker=kept.human_readable_marker, extras=kept.extras
    )


def shortfalls(repository_id: int, stream: str) -> dict[str, dict[str, Any]]:
    """Return the payloads of open skips of items of which something was missing, by the skips' external ids."""
    found = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=str(repository_id), stream=stream, cleared_at=None, payload__has_key="lists"
    )
    return dict(found.values_list("external_id", "payload"))


def save_state(repository_id: int, stream: str, state: IncrementalState) -> None:
    """Save a state, in the caller's transaction."""
    row = {
        "collector": COLLECTOR,
        "scope": str(repository_id),
        "stream": stream,
        "checkpoint_token": state.checkpoint_token,
        "human_readable_marker": state.human_readable_marker,
        "extras": dict(state.extras),
        "updated_at": timezone.now(),
    }
    upsert(Checkpoint, [row], key=["collector", "scope", "stream"])


def forget_state(repository_id: int, stream: str) -> None:
    """Remove a state, so that the stream begins anew."""
    Checkpoint.objects.filter(collector=COLLECTOR, scope=str(repository_id), stream=stream).delete()
