"""Stores repositories and their scopes."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection, models, transaction
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.timeline_move import bring_over_scope
from core.ingest.values import Row
from core.models import Activity, Checkpoint, Document, Scope, SkippedItem
from core.search.documents import DocumentMark, mark_changed, mark_deleted
from github_activity_tracker.models import (
    CommitComment,
    Discussion,
    DiscussionComment,
    FormerName,
    Issue,
    IssueComment,
    Milestone,
    Release,
    Repository,
    Review,
    ReviewComment,
)
from github_activity_tracker.store.accounts import store_seen_accounts
from github_activity_tracker.store.pages import COLLECTOR


@transaction.atomic
def store_repository(row: Row, owner: Row | None = None) -> Scope:
    """Store the facts of a repository and return its scope. A new name is stored as a rename of the same repository.

    A provisional repository of the same name is replaced: its rows are deleted here and collected again under the real
    id. A repository that was marked as deleted is restored. If GitHub did not return all topics, the row has no
    ``topics``, and the stored topics are preserved.
    """
    if owner:
        store_seen_accounts([owner])
    if "topics" not in row:
        stored = Repository.objects.filter(pk=row["id"]).values_list("topics", flat=True).first()
        row = row | {"topics": stored or []}
    _restore(row["id"])
    _drop_provisional(row["full_name"], except_for=row["id"])
    for old in Repository.objects.filter(pk=row["id"]).exclude(full_name=row["full_name"]):
        FormerName.objects.create(repository=old, full_name=old.full_name, noticed_at=timezone.now())
        _move_addresses(old, row["html_url"])
    before = Repository.objects.filter(pk=row["id"]).first()
    upsert(Repository, [row], key=["id"], keep=["enabled"])  # facts that the row lacks are preserved
    if before and before.is_restricted != Repository.objects.get(pk=row["id"]).is_restricted:
        _reindex_repository(before.pk)
    scope = {
        "source_system": "github",
        "external_id": str(row["id"]),
        "name": row["full_name"],
        "url": row["html_url"][:500],
    }
    upsert(Scope, [scope], key=["source_system", "external_id"])
    return Scope.objects.get(source_system="github", external_id=str(row["id"]))


@transaction.atomic
def mark_repository_deleted(repository_id: int, now: datetime) -> int:
    """Mark a repository and all its rows as deleted. Returns the number of documents that are removed from the index.

    The rows and activities stay in the database, with ``now`` as ``deleted_at``. If the repository exists again,
    ``store_repository`` uses this time to find the rows to restore. Open skips are cleared, because they cannot be
    retried.
    """
    if not Repository.objects.filter(pk=repository_id, deleted_at=None).update(deleted_at=now):
        return 0
    for rows in _contents(repository_id):
        rows.filter(deleted_at=None).update(deleted_at=now)
    SkippedItem.objects.filter(collector=COLLECTOR, scope=str(repository_id), cleared_at=None).update(cleared_at=now)
    scope = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
    if scope is None:
        return 0
    bring_over_scope(scope.pk)
    Activity.objects.filter(scope=scope, deleted_at=None).update(deleted_at=now)
    documents = Document.objects.filter(scope=scope, deleted_at=None).values_list("external_id", flat=True)
    return mark_deleted("github", documents, now)


def _restore(repository_id: int) -> None:
    """Undo ``mark_repository_deleted``. Rows that were marked as deleted at an earlier time stay marked."""
    gone = Repository.objects.filter(pk=repository_id).exclude(deleted_at=None).first()
    if gone is None:
        return
    for rows in _contents(repository_id):
        rows.filter(deleted_at=gone.deleted_at).update(deleted_at=None)
    scope = Scope.objects.filter(source_system="github", external_id=str(repository_id)).first()
    if scope is None:
        return
    bring_over_scope(scope.pk)
    Activity.objects.filter(scope=scope, deleted_at=gone.deleted_at).update(deleted_at=None)
    documents = Document.objects.filter(scope=scope, deleted_at=gone.deleted_at).values_list("external_id", "kind")
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind=kind, scope_id=scope.pk) for name, kind in documents
    )


def has_threads(repository_id: int, kind: str) -> bool:
    """Return whether a repository has live rows of a kind: ``issues``, ``pulls`` or ``discussions``."""
    if kind == "discussions":
        return Discussion.objects.filter(repository_id=repository_id, deleted_at=None).exists()
    pulls = kind == "pulls"
    return Issue.objects.filter(repository_id=repository_id, is_pull_request=pulls, deleted_at=None).exists()


def _contents(repository_id: int) -> Iterator["models.QuerySet[models.Model]"]:
    """Yield the rows of a repository from each related table that has a ``deleted_at`` column."""
    for relation in Repository._meta.related_objects:
        model: type[models.Model] = relation.related_model  # pyright: ignore[reportAssignmentType]  # resolved after loading
        if any(field.name == "deleted_at" for field in model._meta.fields):
            yield model._default_manager.filter(**{f"{relation.field.name}_id": repository_id})


ADDRESSES = """
    UPDATE {table} SET {column} = %(new)s || substr({column}, length(%(old)s) + 1)
    WHERE {of} = %(id)s AND ({column} = %(old)s OR starts_with({column}, %(old)s || '/'))
"""
OF_REPOSITORY = (
    Issue,
    IssueComment,
    ReviewComment,
    Review,
    Release,
    Milestone,
    Discussion,
    DiscussionComment,
    CommitComment,
)


def _move_addresses(old: Repository, new_url: str) -> None:
    """Replace the repository's old URL in all stored URLs, because another repository may take over the old name.

    Requests a re-index of all documents of the repository.
    """
    if not old.html_url or not new_url or old.html_url == new_url:
        return
    scope = Scope.objects.filter(source_system="github", external_id=str(old.pk)).first()
    tables = [(model._meta.db_table, "html_url", "repository_id", old.pk) for model in OF_REPOSITORY]
    if scope is not None:
        bring_over_scope(scope.pk)
        tables.append((Activity._meta.db_table, "source_url", "scope_id", scope.pk))
    with connection.cursor() as cursor:
        for table, column, of, key in tables:
            statement = ADDRESSES.format(table=table, column=column, of=of)
            cursor.execute(statement, {"new": new_url, "old": old.html_url, "id": key})
    _reindex_repository(old.pk)


def _reindex_repository(repository_id: int) -> None:
    """Request a re-index of all documents of a repository."""
    documents = Document.objects.filter(
        scope__source_system="github", scope__external_id=str(repository_id), deleted_at=None
    ).values_list("external_id", "kind", "scope_id")
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind=kind, scope_id=scope_id)
        for name, kind, scope_id in documents
    )


def _drop_provisional(full_name: str, *, except_for: int) -> None:
    """Delete provisional repositories with this name, with their rows. Their documents are marked as deleted."""
    for old in Repository.objects.filter(full_name__iexact=full_name, id__lt=0).exclude(pk=except_for):
        scope = Scope.objects.filter(source_system="github", external_id=str(old.pk)).first()
        if scope is not None:
            documents = scope.documents.filter(deleted_at=None).values_list("external_id", flat=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # the reverse side of Document.scope
            mark_deleted("github", documents, timezone.now())  # pyright: ignore[reportUnknownArgumentType]
            bring_over_scope(scope.pk)
            Activity.objects.filter(scope=scope).delete()
        Checkpoint.objects.filter(collector=COLLECTOR, scope=str(old.pk)).delete()
        old.delete()
