"""Releases, labels and milestones: whole lists, so that what is absent is gone."""

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
from github_activity_tracker.store.checkpoints import COLLECTOR, save_state
from github_activity_tracker.store.pages import record_changes, skip_malformed
from github_activity_tracker.store.revisions import keep_earlier_texts
from github_activity_tracker.store.tombstones import bury, bury_activities


@transaction.atomic
def store_rows(
    model: type[models.Model], rows: list[Row], aside: list[Malformed], accounts: list[Row],
    *, scope: Scope, stream: str, state: IncrementalState, now: datetime, whole: bool = True,
) -> PageResult:  # fmt: skip
    """Write a repository's labels or milestones; what is absent from the ``whole`` list is gone."""
    store_accounts(accounts, stream)
    written = upsert(model, rows, key=["id"])
    gone = _absent(model, rows, aside, scope) if whole else []
    bury(model, gone, now)
    skip_malformed(aside, scope=scope, stream=stream)
    if whole:
        _clear_readable(aside, scope, stream)
    save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(rows), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone),
        malformed=len(aside),
    )  # fmt: skip


@transaction.atomic
def store_releases(
    page: Page, *, scope: Scope, stream: str, state: IncrementalState, now: datetime, whole: bool = True
) -> PageResult:
    """Write a repository's releases; what is absent from the ``whole`` list is gone."""
    store_accounts(page.accounts.values(), stream)
    keep_earlier_texts(Release, page.records, "release")
    written = upsert(Release, (record.row for record in page.records), key=["id"], guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    record_changes((record for record in page.records if record.row["id"] in changed), scope)
    gone = _absent(Release, [record.row for record in page.records], page.malformed, scope) if whole else []
    bury(Release, gone, now)
    bury_activities((f"github:release:{pk}" for pk in gone), now)
    mark_deleted("github", (f"github:release:{pk}" for pk in gone), now)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if whole:
        _clear_readable(page.malformed, scope, stream)
    save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(page.records), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone),
        malformed=len(page.malformed),
    )  # fmt: skip


def _absent(model: type[models.Model], rows: list[Row], aside: list[Malformed], scope: Scope) -> list[int]:
    """Live rows of which the list says nothing; none when it could not be read in full."""
    if aside:
        return []
    kept = model._default_manager.filter(repository_id=int(scope.external_id), deleted_at=None)
    return list(kept.exclude(pk__in=[row["id"] for row in rows]).values_list("pk", flat=True))


def _clear_readable(aside: list[Malformed], scope: Scope, stream: str) -> None:
    """Clear the skips of items that a whole list shows in a good shape now, or no longer has."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=stream, reason="malformed", cleared_at=None
    ).exclude(external_id__in=[item.external_id for item in aside])
    for name in waiting.values_list("external_id", flat=True):
        clear_skips(collector=COLLECTOR, scope=scope.external_id, stream=stream, external_id=name)
