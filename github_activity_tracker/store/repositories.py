"""Repositories and the scopes that stand for them in core."""

from django.db import transaction
from django.utils import timezone

from core.models import Activity, Checkpoint, Scope
from core.models.upsert import upsert
from core.search.documents import mark_deleted
from github_activity_tracker.convert import Row
from github_activity_tracker.models import FormerName, Repository
from github_activity_tracker.store.accounts import store_seen_accounts
from github_activity_tracker.store.checkpoints import COLLECTOR


@transaction.atomic
def store_repository(row: Row, owner: Row | None = None) -> Scope:
    """Keep a repository's facts and return its scope; a new name is a change of the same repository.

    A provisional repository of the same name is replaced: what was kept under its made-up id is dropped here and
    collected again under the real one.
    """
    if owner:
        store_seen_accounts([owner])
    _drop_provisional(row["full_name"], except_for=row["id"])
    for old in Repository.objects.filter(pk=row["id"]).exclude(full_name=row["full_name"]):
        FormerName.objects.create(repository=old, full_name=old.full_name, noticed_at=timezone.now())
    upsert(Repository, [row], key=["id"], keep=["enabled"])
    scope = {
        "source_system": "github",
        "external_id": str(row["id"]),
        "name": row["full_name"],
        "url": row["html_url"][:500],
    }
    upsert(Scope, [scope], key=["source_system", "external_id"])
    return Scope.objects.get(source_system="github", external_id=str(row["id"]))


def _drop_provisional(full_name: str, *, except_for: int) -> None:
    """Drop what is kept under a made-up id for this name; its documents become tombstones."""
    for old in Repository.objects.filter(full_name__iexact=full_name, id__lt=0).exclude(pk=except_for):
        scope = Scope.objects.filter(source_system="github", external_id=str(old.pk)).first()
        if scope is not None:
            documents = scope.documents.filter(deleted_at=None).values_list("external_id", flat=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # the reverse side of Document.scope
            mark_deleted("github", documents, timezone.now())  # pyright: ignore[reportUnknownArgumentType]
            Activity.objects.filter(scope=scope).delete()
        Checkpoint.objects.filter(collector=COLLECTOR, scope=str(old.pk)).delete()
        old.delete()
