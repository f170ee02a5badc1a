"""The positions of a repository's streams, and the items of which something was missing."""

from typing import Any

from core.ingest.checkpoints import Checkpoints
from core.models import SkippedItem
from github_activity_tracker.protocol_impl import GitHubState

COLLECTOR = "github"
_checkpoints = Checkpoints(COLLECTOR, GitHubState)
load_state = _checkpoints.load
save_state = _checkpoints.save
forget_state = _checkpoints.drop


def shortfalls(repository_id: int, stream: str) -> dict[str, dict[str, Any]]:
    """Return the payloads of the open skips of incomplete items, by the skips' external ids."""
    items = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=str(repository_id), stream=stream, cleared_at=None, payload__has_key="lists"
    )
    return dict(items.values_list("external_id", "payload"))
