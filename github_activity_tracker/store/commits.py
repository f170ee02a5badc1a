"""Commits, their files, and the refs up to which the history is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from django.db import transaction
from django.utils import timezone

from core.db.upsert import copy, upsert
from core.ingest.records import Page, PageResult, Record
from core.ingest.skips import clear_skips, record_skip
from core.models import Activity, Checkpoint, Scope, SkippedItem
from core.search.documents import mark_deleted
from github_activity_tracker.convert import with_times
from github_activity_tracker.models import Commit, CommitFile, GitRef, RefChange, Repository
from github_activity_tracker.protocol_impl import CommitPlan, GitHubState, HeadChange
from github_activity_tracker.store.accounts import store_accounts_of_commits
from github_activity_tracker.store.authors import with_known_authors
from github_activity_tracker.store.checkpoints import COLLECTOR, load_state, save_state
from github_activity_tracker.store.pages import record_changes, skip_malformed
from github_activity_tracker.store.tombstones import bury_activities

PLAN, PLACE = "commits_plan", "commits"
FILE = (
    "ordinal", "path", "previous_path", "status", "similarity", "old_mode", "new_mode", "additions", "deletions",
)  # fmt: skip
_columns = itemgetter(*FILE)


def known_refs(repository_id: int) -> dict[str, str]:
    """Branches and tags by full name, as of the last complete reading."""
    return dict(GitRef.objects.filter(repository_id=repository_id).values_list("name", "sha"))


MISSING = "missing_object"


def record_missing_refs(scope: Scope, names: Sequence[str]) -> None:
    """Count branches and tags whose object is missing, and clear those that are whole again."""
    open_items = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=PLACE, reason=MISSING, cleared_at=None
    ).values_list("external_id", flat=True)
    for name in set(open_items) - {_clipped(name) for name in names}:
        clear_skips(collector=COLLECTOR, scope=scope.external_id, stream=PLACE, external_id=name)
    for name in names:
        record_skip(
            collector=COLLECTOR, scope=scope.external_id, stream=PLACE, external_id=_clipped(name), reason=MISSING,
            detail=f"{name} leads to an object that the repository does not have",
        )  # fmt: skip


def _clipped(name: str) -> str:
    return name[:300]


def open_plan(repository_id: int, refs: Mapping[str, str], *, full: bool) -> CommitPlan:
    """The plan that an earlier run did not finish, else a new one for the refs as they are now.

    A plan is kept before its first page, so that a killed run goes on at the same place of the same list.
    """
    kept = load_state(repository_id, PLAN).extras.get("refs")
    known = frozenset(known_refs(repository_id).values())
    if isinstance(kept, dict) and not full:
        done = int(load_state(repository_id, PLACE).checkpoint_token or 0)
        return CommitPlan(refs=kept, known=known, done=done)  # pyright: ignore[reportUnknownArgumentType]  # as saved below
    plan = CommitPlan(refs=refs, known=frozenset() if full else known)
    if set(refs.values()) - plan.known:
        with transaction.atomic():
            save_state(repository_id, PLAN, GitHubState(extras={"refs": dict(refs)}))
            save_state(repository_id, PLACE, GitHubState(checkpoint_token=str(0)))
    return plan


@transaction.atomic
def store_commits(page: Page, *, scope: Scope, done: int | None) -> PageResult:
    """Write a page of commits with their files; a constant number of statements.

    ``done`` is None for commits that were read one by one. Skips of commits that could be converted are cleared.
    """
    store_accounts_of_commits(page.accounts.values())
    known = with_known_authors(_with_times(page.records, int(scope.external_id)))
    written = upsert(Commit, (record.row for record in known), key=["repository_id", "sha"], also=["id"])
    changed = {sha: pk for _, sha, pk in written.changed}
    records = [record for record in known if record.row["sha"] in changed]
    repository_id = int(scope.external_id)
    _store_files(records, {sha: pk for _, sha, pk in written.inserted}, changed)
    record_changes(records, scope)
    skip_malformed(page.malformed, scope=scope, stream=PLACE)
    _clear_malformed(scope, [record.row["sha"] for record in known])
    if done is not None:
        state = GitHubState(checkpoint_token=str(done), human_readable_marker=f"{done} commits")
        save_state(repository_id, PLACE, state)
    return PageResult(
        seen=len(page.records),
        inserted=len(written.inserted),
        updated=len(written.updated),
        malformed=len(page.malformed),
    )


def _clear_malformed(scope: Scope, shas: Sequence[str]) -> None:
    """Clear the skips of commits that could not be converted before, and now can be or are gone."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=PLACE, reason="malformed", cleared_at=None
    )
    waiting.filter(external_id__in=shas).update(cleared_at=timezone.now(), retry_requested_at=None)


def _with_times(records: Sequence[Record], repository_id: int) -> Sequence[Record]:
    """Give a place on the timeline to commits without a date that can be read; mostly there is none."""
    undated = [record for record in records if not record.activity.occurred_at]
    if not undated:
        return records
    parents = {parent for record in undated for parent in record.row["parents"]}
    names = {f"github:commit:{repository_id}:{sha}": sha for sha in parents}
    stored = Activity.objects.filter(source_system="github", external_id__in=list(names))
    known = {names[name]: at for name, at in stored.values_list("external_id", "occurred_at")}
    created = Repository.objects.filter(pk=repository_id).values_list("created_at", flat=True).first()
    return with_times(records, known, created or timezone.now())


def _store_files(records: Sequence[Record], new: Mapping[str, int], changed: Mapping[str, int]) -> None:
    """Write the files of changed commits; those of ``new`` ones cannot be there yet. Both are keys by hash."""
    lines = (
        (new[record.row["sha"]], *_columns(file))
        for record in records if record.row["sha"] in new for file in record.children
    )  # fmt: skip
    copy(CommitFile, ["commit_id", *FILE], lines)
    again = (record for record in records if record.row["sha"] not in new)
    files = ({"commit_id": changed[record.row["sha"]], **file} for record in again for file in record.children)
    upsert(CommitFile, files, key=["commit_id", "ordinal"])


@transaction.atomic
def close_plan(scope: Scope, plan: CommitPlan, changes: Sequence[HeadChange], now: datetime) -> int:
    """Remember that everything behind the plan's refs is kept, and what happened to the refs since the last time.

    Commits that no branch or tag leads to any more are buried; returns how many. Refs that are gone are forgotten
    here and remembered in ``RefChange``.
    """
    repository_id = int(scope.external_id)
    RefChange.objects.bulk_create(
        RefChange(
            repository_id=repository_id, name=change.name, old_sha=change.old_sha, new_sha=change.new_sha,
            forced=change.forced, noticed_at=now,
        )
        for change in changes
    )  # fmt: skip
    fallen = [sha for change in changes for sha in change.fallen]
    buried = _bury_commits(scope, fallen, now)
    rows = [{"repository_id": repository_id, "name": name, "sha": sha} for name, sha in plan.refs.items()]
    upsert(GitRef, rows, key=["repository_id", "name"])
    GitRef.objects.filter(repository_id=repository_id).exclude(name__in=list(plan.refs)).delete()
    Checkpoint.objects.filter(collector=COLLECTOR, scope=str(repository_id), stream=PLAN).delete()
    return buried


def _bury_commits(scope: Scope, shas: Sequence[str], now: datetime) -> int:
    if not shas:
        return 0
    _clear_malformed(scope, shas)
    kept = Commit.objects.filter(repository_id=int(scope.external_id), sha__in=shas, deleted_at=None)
    names = [f"github:commit:{scope.external_id}:{sha}" for sha in kept.values_list("sha", flat=True)]
    bury_activities(names, now)
    mark_deleted("github", names, now)
    return kept.update(deleted_at=now)
