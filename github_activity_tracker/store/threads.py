"""A page of pull requests or issue timelines, all or nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from core.db.upsert import upsert
from core.ingest.records import PageResult, Record
from core.models import Scope
from core.protocols import IncrementalState
from github_activity_tracker.convert import ThreadPage
from github_activity_tracker.models import PullRequest, Review, Timeline, TimelineEvent
from github_activity_tracker.store.accounts import AUTHOR, store_seen_accounts
from github_activity_tracker.store.checkpoints import save_state
from github_activity_tracker.store.columns import keep_longer_lists
from github_activity_tracker.store.hidden import keep_known_authors
from github_activity_tracker.store.pages import record_changes, skip_malformed
from github_activity_tracker.store.revisions import keep_earlier_texts
from github_activity_tracker.store.tombstones import bury_absent, bury_activities, mark_threads


@transaction.atomic
def store_threads(
    page: ThreadPage, *, scope: Scope, stream: str, state: IncrementalState | None, now: datetime
) -> dict[str, PageResult]:
    """Write a page; a constant number of statements. ``state`` is None for items that were asked for by id.

    Of whole connections, what is kept and did not come is buried. Returns what was done by stream.
    """
    store_seen_accounts(page.accounts.values())
    rows = keep_longer_lists(PullRequest, page.pulls, page.short_columns)
    pulls = upsert(PullRequest, rows, key=["id"], newer="updated_at", guarded={"merged_by_id": "merged_by_id"})
    upsert(Timeline, page.timelines, key=["repository_id", "number"])
    reviews = _store_reviews(page, scope, now)
    events = _store_events(page, scope, now)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    threads = PageResult(
        seen=len(page.timelines), inserted=len(pulls.inserted), updated=len(pulls.updated),
        malformed=len(page.malformed),
    )  # fmt: skip
    return {stream: threads, "reviews": reviews, "events": events}


def _store_reviews(page: ThreadPage, scope: Scope, now: datetime) -> PageResult:
    records = keep_known_authors(Review, page.reviews)
    keep_earlier_texts(Review, records, "review")
    written = upsert(Review, (record.row for record in records), key=["id"], newer="updated_at", guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    record_changes((record for record in records if record.row["id"] in changed), scope)
    here = [record.row["id"] for record in page.reviews]
    gone = bury_absent(Review, "pull_number", page.whole_reviews, here, scope=scope, now=now)
    bury_activities((f"github:review:{pk}" for pk, _ in gone), now)
    mark_threads("pull_request", (number for _, number in gone), scope)
    return PageResult(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))


def _store_events(page: ThreadPage, scope: Scope, now: datetime) -> PageResult:
    records = keep_known_authors(TimelineEvent, _with_stored_times(page.events), "actor_id")
    written = upsert(
        TimelineEvent, (record.row for record in records), key=["node_id"], guarded={"actor_id": "actor_id"}
    )
    changed = {key[0] for key in written.changed}
    record_changes((record for record in records if record.row["node_id"] in changed), scope)
    here = [record.row["node_id"] for record in page.events]
    gone = bury_absent(TimelineEvent, "number", page.whole_timelines, here, scope=scope, now=now)
    bury_activities((f"github:event:{node_id}" for node_id, _ in gone), now)
    return PageResult(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))


def _with_stored_times(records: Sequence[Record]) -> list[Record]:
    """Return the records; those without a time of their own as they are stored, where they are.

    The same event comes without its time from a server that does not say what it has, and with it later.
    """
    ids = [record.row["node_id"] for record in records if not record.has_own_time]
    stored = {
        event.node_id: event
        for event in TimelineEvent.objects.filter(node_id__in=ids).select_related("actor")
    } if ids else dict[str, TimelineEvent]()  # fmt: skip
    return [
        _as_stored(record, stored[record.row["node_id"]])
        if not record.has_own_time and record.row["node_id"] in stored
        else record
        for record in records
    ]


def _as_stored(record: Record, event: TimelineEvent) -> Record:
    row = record.row | {"created_at": event.created_at}
    activity = replace(record.activity, occurred_at=event.created_at.isoformat())
    if record.row["actor_id"] is None and event.actor is not None:
        row["actor_id"] = event.actor.pk
        activity = replace(activity, actor_external_id=str(event.actor.pk), actor_name=event.actor.login)
    if not record.row["data"]:
        row["data"] = event.data
    return replace(record, row=row, activity=activity)
