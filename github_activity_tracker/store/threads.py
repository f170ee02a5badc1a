"""A page of pull requests or issue timelines, all or nothing."""

from datetime import datetime

from django.db import transaction

from core.models import Scope
from core.models.upsert import upsert
from core.protocols import IncrementalState
from github_activity_tracker.convert import ThreadPage
from github_activity_tracker.models import PullRequest, Review, Timeline, TimelineEvent
from github_activity_tracker.store.accounts import AUTHOR, store_seen_accounts
from github_activity_tracker.store.checkpoints import save_state
from github_activity_tracker.store.pages import Stored, note_changes, skip_malformed
from github_activity_tracker.store.revisions import keep_earlier_texts
from github_activity_tracker.store.tombstones import bury_absent, bury_activities, mark_threads


@transaction.atomic
def store_threads(
    page: ThreadPage, *, scope: Scope, stream: str, state: IncrementalState | None, now: datetime
) -> dict[str, Stored]:
    """Write a page; a constant number of statements. ``state`` is None for items that were asked for by id.

    Of whole connections, what is kept and did not come is buried. Returns what was done by stream.
    """
    store_seen_accounts(page.accounts.values())
    pulls = upsert(PullRequest, page.pulls, key=["id"], newer="updated_at", guarded={"merged_by_id": "merged_by_id"})
    upsert(Timeline, page.timelines, key=["repository_id", "number"])
    reviews = _store_reviews(page, scope, now)
    events = _store_events(page, scope, now)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    threads = Stored(
        seen=len(page.timelines), inserted=len(pulls.inserted), updated=len(pulls.updated),
        malformed=len(page.malformed),
    )  # fmt: skip
    return {stream: threads, "reviews": reviews, "events": events}


def _store_reviews(page: ThreadPage, scope: Scope, now: datetime) -> Stored:
    keep_earlier_texts(Review, page.reviews, "review")
    written = upsert(Review, (record.row for record in page.reviews), key=["id"], newer="updated_at", guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    note_changes((record for record in page.reviews if record.row["id"] in changed), scope)
    here = [record.row["id"] for record in page.reviews]
    gone = bury_absent(Review, "pull_number", page.whole_reviews, here, scope=scope, now=now)
    bury_activities((f"github:review:{pk}" for pk, _ in gone), now)
    mark_threads("pull_request", (number for _, number in gone), scope)
    return Stored(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))


def _store_events(page: ThreadPage, scope: Scope, now: datetime) -> Stored:
    written = upsert(
        TimelineEvent, (record.row for record in page.events), key=["node_id"], guarded={"actor_id": "actor_id"}
    )
    changed = {key[0] for key in written.changed}
    note_changes((record for record in page.events if record.row["node_id"] in changed), scope)
    here = [record.row["node_id"] for record in page.events]
    gone = bury_absent(TimelineEvent, "number", page.whole_timelines, here, scope=scope, now=now)
    bury_activities((f"github:event:{node_id}" for node_id, _ in gone), now)
    return Stored(seen=len(here), inserted=len(written.inserted), updated=len(written.updated), deleted=len(gone))
