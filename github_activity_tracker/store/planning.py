"""Stores releases, labels and milestones. Items that are absent from a complete list were deleted on GitHub."""

from datetime import datetime

from django.db import models, transaction

from core.db.upsert import upsert
from core.ingest.records import Malformed, Page, PageResult
from core.ingest.skips import clear_skips
from core.ingest.values import Row
from core.models import Scope, SkippedItem
from core.protocols import IncrementalState
from core.search.documents import mark_deleted
from github_activity_tracker.models import Release
from github_activity_tracker.store.accounts import AUTHOR, store_accounts
from github_activity_tracker.store.pages import (
    COLLECTOR,
    keep_earlier_texts,
    mark_activities_deleted,
    mark_rows_deleted,
    record_changes,
    save_state,
    skip_malformed,
)


@transaction.atomic
def store_rows(
    model: type[models.Model], rows: list[Row], malformed: list[Malformed], accounts: list[Row],
    *, scope: Scope, stream: str, state: IncrementalState, now: datetime, whole: bool = True,
) -> PageResult:  # fmt: skip
    """Write labels or milestones of a repository.

    If the list is ``whole`` and has no malformed items, absent rows are marked as deleted.
    """
    store_accounts(accounts, stream)
    written = upsert(model, rows, key=["id"])
    gone = _absent(model, rows, malformed, scope) if whole else []
    mark_rows_deleted(model, gone, now)
    skip_malformed(malformed, scope=scope, stream=stream)
    if whole:
        _clear_readable(malformed, scope, stream)
    save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(rows), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone),
        malformed=len(malformed),
    )  # fmt: skip


@transaction.atomic
def store_releases(
    page: Page, *, scope: Scope, stream: str, state: IncrementalState, now: datetime, whole: bool = True
) -> PageResult:
    """Write releases of a repository.

    If the list is ``whole`` and has no malformed items, absent rows are marked as deleted.
    """
    store_accounts(page.accounts.values(), stream)
    keep_earlier_texts(Release, page.records, "release")
    written = upsert(Release, (record.row for record in page.records), key=["id"], guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    record_changes((record for record in page.records if record.row["id"] in changed), scope)
    gone = _absent(Release, [record.row for record in page.records], page.malformed, scope) if whole else []
    mark_rows_deleted(Release, gone, now)
    mark_activities_deleted((f"github:release:{pk}" for pk in gone), now)
    mark_deleted("github", (f"github:release:{pk}" for pk in gone), now)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if whole:
        _clear_readable(page.malformed, scope, stream)
    save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(page.records), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone),
        malformed=len(page.malformed),
    )  # fmt: skip


def _absent(model: type[models.Model], rows: list[Row], malformed: list[Malformed], scope: Scope) -> list[int]:
    """Return the primary keys of live rows that are absent from the list, or none if it has malformed items."""
    if malformed:
        return []
    live = model._default_manager.filter(repository_id=int(scope.external_id), deleted_at=None)
    return list(live.exclude(pk__in=[row["id"] for row in rows]).values_list("pk", flat=True))


def _clear_readable(malformed: list[Malformed], scope: Scope, stream: str) -> None:
    """Clear the ``malformed`` skips of a stream, except for items that are still malformed in a complete list."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=stream, reason="malformed", cleared_at=None
    ).exclude(external_id__in=[item.external_id for item in malformed])
    for name in waiting.values_list("external_id", flat=True):
        clear_skips(collector=COLLECTOR, scope=scope.external_id, stream=stream, external_id=name)
