"""Numbers of reactions that were counted later than their posts were stored."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.models import Scope
from core.protocols import IncrementalState
from github_activity_tracker.convert import reaction_counts
from github_activity_tracker.models import Discussion, DiscussionComment, Review
from github_activity_tracker.store.checkpoints import save_state

MODELS = (Review, Discussion, DiscussionComment)


@transaction.atomic
def store_reactions(groups: Mapping[str, Any], *, scope: Scope, stream: str, state: IncrementalState) -> int:
    """Write numbers by node id, together with the state that covers them; returns how many rows changed."""
    changed = 0
    for model in MODELS:
        rows = model.objects.filter(repository_id=int(scope.external_id), node_id__in=list(groups))
        for row in rows:
            counts = reaction_counts(groups[row.node_id])
            if row.reactions != counts:
                changed += model.objects.filter(pk=row.pk).update(reactions=counts)
    save_state(int(scope.external_id), stream, state)
    return changed
