"""A page of discussions with all that is said in them, all or nothing."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from core.db.upsert import upsert
from core.ingest.records import PageResult
from core.models import Scope
from core.protocols import IncrementalState
from github_activity_tracker.convert import DiscussionPage
from github_activity_tracker.models import Discussion, DiscussionComment
from github_activity_tracker.store.accounts import AUTHOR, store_seen_accounts
from github_activity_tracker.store.checkpoints import save_state
from github_activity_tracker.store.columns import keep_longer_lists
from github_activity_tracker.store.hidden import keep_known_authors
from github_activity_tracker.store.pages import record_changes, skip_malformed
from github_activity_tracker.store.revisions import keep_earlier_texts
from github_activity_tracker.store.tombstones import bury_absent, bury_activities, mark_threads


@transaction.atomic
def store_discussions(
    page: DiscussionPage, *, scope: Scope, stream: str, state: IncrementalState | None, now: datetime
) -> PageResult:
    """Write a page; a constant number of statements."""
    store_seen_accounts(page.accounts.values())
    rows = keep_longer_lists(Discussion, [record.row for record in page.discussions], page.short_columns)
    discussions = [replace(record, row=row) for record, row in zip(page.discussions, rows, strict=True)]
    inserted = updated = 0
    for model, shown, kind in (
        (Discussion, discussions, "discussion"),
        (DiscussionComment, page.comments, "discussion_comment"),
    ):
        records = keep_known_authors(model, shown)
        keep_earlier_texts(model, records, kind)
        written = upsert(model, (record.row for record in records), key=["id"], newer="updated_at", guarded=AUTHOR)
        changed = {key[0] for key in written.changed}
        record_changes((record for record in records if record.row["id"] in changed), scope)
        inserted, updated = inserted + len(written.inserted), updated + len(written.updated)
    here = [record.row["id"] for record in page.comments]
    gone = bury_absent(DiscussionComment, "discussion_number", page.whole, here, scope=scope, now=now)
    bury_activities((f"github:discussion_comment:{pk}" for pk, _ in gone), now)
    mark_threads("discussion", (number for _, number in gone), scope)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(page.discussions), inserted=inserted, updated=updated, deleted=len(gone),
        malformed=len(page.malformed),
    )  # fmt: skip
