"""Stores pages of pull requests, issue timelines and discussions. A page is stored completely or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from core.db.upsert import upsert
from core.ingest.records import PageResult, Record
from core.models import Scope
from core.protocols import IncrementalState
from github_activity_tracker.convert.discussions import DiscussionPage
from github_activity_tracker.convert.page import reaction_counts
from github_activity_tracker.convert.threads import ThreadPage
from github_activity_tracker.models import Discussion, DiscussionComment, PullRequest, Review, Timeline, TimelineEvent
from github_activity_tracker.store.accounts import AUTHOR, store_seen_accounts
from github_activity_tracker.store.pages import (
    keep_earlier_texts,
    keep_known_authors,
    keep_longer_lists,
    mark_absent_deleted,
    mark_activities_deleted,
    record_changes,
    reindex_threads,
    save_state,
    skip_malformed,
)


@transaction.atomic
def store_threads(
    page: ThreadPage, *, scope: Scope, stream: str, state: IncrementalState | None, now: datetime
) -> dict[str, PageResult]:
    """Write a page of pull requests or issue timelines in a constant number of statements. Returns results by stream.

    ``state`` is None for items that were requested by id. In this case, no checkpoint is saved. If a review or event is
    absent from a complete list, its stored row is marked as deleted.
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
    gone = mark_absent_deleted(Review, "pull_number", page.whole_reviews, here, scope=scope, now=now)
    mark_activities_deleted((f"github:review:{pk}" for pk, _ in gone), now)
    reindex_threads("pull_request", (number for _, number in gone), scope)
    return PageResult(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))


def _store_events(page: ThreadPage, scope: Scope, now: datetime) -> PageResult:
    records = keep_known_authors(TimelineEvent, _with_stored_times(page.events), "actor_id")
    written = upsert(
        TimelineEvent, (record.row for record in records), key=["node_id"], guarded={"actor_id": "actor_id"}
    )
    changed = {key[0] for key in written.changed}
    record_changes((record for record in records if record.row["node_id"] in changed), scope)
    here = [record.row["node_id"] for record in page.events]
    gone = mark_absent_deleted(TimelineEvent, "number", page.whole_timelines, here, scope=scope, now=now)
    mark_activities_deleted((f"github:event:{node_id}" for node_id, _ in gone), now)
    return PageResult(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))


def _with_stored_times(records: Sequence[Record]) -> list[Record]:
    """Return the records. A record for which GitHub returned no time gets the time of its stored event.

    It also gets the stored actor and data if these are missing. If the GraphQL schema is unknown, events of new kinds
    are requested without a time. An earlier run may have stored the same events with a time.
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


@transaction.atomic
def store_discussions(
    page: DiscussionPage, *, scope: Scope, stream: str, state: IncrementalState | None, now: datetime
) -> PageResult:
    """Write a page of discussions, comments and replies in a constant number of statements."""
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
    gone = mark_absent_deleted(DiscussionComment, "discussion_number", page.whole, here, scope=scope, now=now)
    mark_activities_deleted((f"github:discussion_comment:{pk}" for pk, _ in gone), now)
    reindex_threads("discussion", (number for _, number in gone), scope)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(page.discussions), inserted=inserted, updated=updated, deleted=len(gone),
        malformed=len(page.malformed),
    )  # fmt: skip


REACTED = (Review, Discussion, DiscussionComment)


@transaction.atomic
def store_reactions(groups: Mapping[str, Any], *, scope: Scope, stream: str, state: IncrementalState) -> int:
    """Write reaction counts of stored items, and save the checkpoint. Returns the number of changed rows.

    ``groups`` contains the reaction groups by node id of the item.
    """
    changed = 0
    for model in REACTED:
        rows = model.objects.filter(repository_id=int(scope.external_id), node_id__in=list(groups))
        for row in rows:
            counts = reaction_counts(groups[row.node_id])
            if row.reactions != counts:
                changed += model.objects.filter(pk=row.pk).update(reactions=counts)
    save_state(int(scope.external_id), stream, state)
    return changed
