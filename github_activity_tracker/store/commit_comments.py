"""Comments on commits: how many are stored, and what to do with those that are gone."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from core.models import Scope
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.models import CommitComment
from github_activity_tracker.store.tombstones import bury, bury_activities


def live_commit_comments(repository_id: int) -> dict[str, int]:
    """Node ids and ids of the live comments on commits."""
    rows = CommitComment.objects.filter(repository_id=repository_id, deleted_at=None)
    return dict(rows.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def delete_commit_comments(scope: Scope, keys: Sequence[int], now: datetime) -> int:
    """Turn comments into tombstones, on the timeline too; returns how many were alive."""
    rows = CommitComment.objects.filter(pk__in=keys, deleted_at=None)
    shas = set(rows.values_list("commit_sha", flat=True))
    deleted = bury(CommitComment, keys, now)
    bury_activities((f"github:commit_comment:{key}" for key in keys), now)
    mark_commits(shas, scope)
    return deleted


def mark_commits(shas: Iterable[str], scope: Scope) -> None:
    """Mark the documents of commits as changed."""
    mark_changed(
        DocumentMark(
            source_system="github", external_id=f"github:commit:{scope.external_id}:{sha}", kind="commit",
            scope_id=scope.pk,
        )
        for sha in shas
    )  # fmt: skip
