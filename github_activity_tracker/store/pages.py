"""Write a page of posts in one transaction: accounts, rows, timeline, re-index requests and checkpoint."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import models, transaction

from core.db.upsert import upsert
from core.ingest.records import Malformed, Page, PageResult, Record
from core.ingest.skips import record_malformed, record_skip
from core.ingest.timeline import record_activity
from core.models import Scope
from core.protocols import IncrementalState
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
"""For ``upsert``: an activity keeps its stored actor when GitHub shows no actor for a deleted or flagged account."""


@transaction.atomic
def store_page(
    model: type[models.Model], page: Page, *, scope: Scope, stream: str, state: IncrementalState | None
) -> PageResult:
    """Write a page of issues or comments with a constant number of statements. Unchanged rows are not updated.

    ``state`` is ``None`` for items that were requested one by one.
    """
    store_accounts(page.accounts.values(), stream)
    keep_earlier_texts(model, page.records, KINDS[model])
    written = upsert(model, (record.row for record in page.records), key=["id"], newer="updated_at", guarded=AUTHOR)
    changed = {key[0] for key in written.changed}
    record_changes((record for record in page.records if record.row["id"] in changed), scope)
    skip_malformed(page.malformed, scope=scope, stream=stream)
    if state is not None:
        save_state(int(scope.external_id), stream, state)
    return PageResult(
        seen=len(page.records),
        inserted=len(written.inserted),
        updated=len(written.updated),
        malformed=len(page.malformed),
    )


def record_changes(records: Iterable[Record], scope: Scope) -> None:
    """Update the timeline with new and changed records and request a re-index of their documents.

    The timeline shows each account under one login, whichever of its logins GitHub sent with the item.
    """
    changed = list(records)
    actors = {record.activity.actor_external_id for record in changed} - {""}
    logins = present_logins(int(actor) for actor in actors) if actors else {}
    names = {str(pk): login for pk, login in logins.items()}
    record_activity(changed, scope_id=scope.pk, actor_names=names, guarded=ACTOR)


def skip_malformed(items: Sequence[Malformed], *, scope: Scope, stream: str) -> None:
    """Record a skip for each malformed item of a page."""
    record_malformed(items, collector=COLLECTOR, scope=scope.external_id, stream=stream)


def record_refused(scope: Scope, stream: str, external_id: str) -> None:
    """Record an item that GitHub failed to return."""
    record_skip(
        collector=COLLECTOR, scope=scope.external_id, stream=stream, external_id=external_id, reason="refused",
        detail="GitHub did not return it, even when it was requested alone",
    )  # fmt: skip
