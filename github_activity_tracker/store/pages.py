"""A page of posts: accounts, rows, timeline, document marks and checkpoint, all or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction

from core.db.upsert import upsert
from core.ingest.skips import record_skip
from core.models import Activity, Scope
from core.protocols import IncrementalState
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import Malformed, Page, Record
from github_activity_tracker.models import CommitComment, Issue, IssueComment, ReviewComment
from github_activity_tracker.store.accounts import AUTHOR, present_logins, store_accounts
from github_activity_tracker.store.checkpoints import COLLECTOR, save_state
from github_activity_tracker.store.revisions import keep_earlier_texts

KINDS: dict[type[models.Model], str] = {
    Issue: "issue",
    IssueComment: "issue_comment",
    ReviewComment: "review_comment",
    CommitComment: "commit_comment",
}
ACTOR: Mapping[str, str] = {"actor_external_id": "actor_external_id", "actor_name": "actor_external_id"}
"""For ``upsert``: an activity keeps the actor that is known when GitHub shows nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What a write really did."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    malformed: int = 0


@transaction.atomic
def store_page(
    model: type[models.Model], page: Page, *, scope: Scope, stream: str, state: IncrementalState | None
) -> Stored:
    """Write a page of issues or comments. A constant number of statements; rows that are right are not touched.

    ``state`` is None for items that were asked for one by one.
    """
    store_accounts(page.accounts.values(), stream)
    keep_earlier_texts(model, page.records, KINDS[model])
    written = upsert(model, (record.row for record in page.records), key=["id"], newer="updated_at", guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    note_changes((record for record in page.records if record.row["id"] in changed), scope)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    return Stored(
        seen=len(page.records),
        inserted=len(written.inserted),
        updated=len(written.updated),
        malformed=len(page.malformed),
    )


def note_changes(records: Iterable[Record], scope: Scope) -> None:
    """Bring the timeline up to date with changed rows, and mark the documents that show them.

    The timeline names an account by one login, whichever of its logins the row came with.
    """
    changed = list(records)
    actors = {record.activity.actor_external_id for record in changed} - {""}
    logins = present_logins(int(actor) for actor in actors) if actors else {}
    rows = (_activity_row(record, scope.pk, logins) for record in changed)
    upsert(Activity, rows, key=["source_system", "external_id"], guarded=ACTOR)
    mark_changed(
        {
            DocumentMark(source_system="github", external_id=record.document, kind=record.kind, scope_id=scope.pk)
            for record in changed
            if record.document
        }
    )


def skip_malformed(items: Sequence[Malformed], *, scope: Scope, stream: str) -> None:
    """Count what could not be converted."""
    for item in items:
        record_skip(
            collector=COLLECTOR,
            scope=scope.external_id,
            stream=stream,
            external_id=item.external_id,
            reason="malformed",
            detail=item.reason,
            payload=item.payload,
        )


def _activity_row(record: Record, scope_id: int, logins: Mapping[int, str]) -> dict[str, Any]:
    activity = record.activity
    actor = activity.actor_external_id
    return {
        "source_system": activity.source_system,
        "external_id": activity.external_id,
        "scope_id": scope_id,
        "thread": activity.thread,
        "activity_type": activity.activity_type,
        "occurred_at": datetime.fromisoformat(activity.occurred_at),
        "edited_at": activity.edited_at,
        "deleted_at": record.row["deleted_at"],
        "actor_external_id": actor,
        "actor_name": logins.get(int(actor), activity.actor_name) if actor else activity.actor_name,
        "source_url": activity.source_url,
        "summary": activity.summary,
    }


def record_refused(scope: Scope, stream: str, external_id: str) -> None:
    """Count an item that GitHub could not show."""
    record_skip(
        collector=COLLECTOR, scope=scope.external_id, stream=stream, external_id=external_id, reason="refused",
        detail="GitHub could not show it, however little was asked for at once",
    )  # fmt: skip
