"""Stores commits with their files and authors, and the refs up to which the history is stored.

When the account of an author's address becomes known, the author's commits, activities and documents are updated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.db.upsert import copy, upsert
from core.ingest.records import Page, PageResult, Record
from core.ingest.skips import clear_skips, record_skip
from core.ingest.timeline import set_actors, times_of
from core.models import Checkpoint, Scope, SkippedItem
from core.operations.output import number_of
from core.search.documents import DocumentMark, mark_changed, mark_deleted
from github_activity_tracker.convert.accounts import actor_rows
from github_activity_tracker.convert.commits import with_times
from github_activity_tracker.models import AuthorEmail, Commit, CommitFile, GitRef, RefChange, Repository
from github_activity_tracker.protocol_impl import CommitPlan, GitHubState, HeadChange
from github_activity_tracker.store.accounts import present_logins, store_accounts_of_commits, store_seen_accounts
from github_activity_tracker.store.pages import (
    COLLECTOR,
    load_state,
    mark_activities_deleted,
    record_changes,
    save_state,
    skip_malformed,
)

LONGEST = 254
"""Maximum number of characters of an email address. Longer addresses are not looked up.

https://www.rfc-editor.org/errata/eid1690
"""
UNKNOWN = """
    SELECT DISTINCT ON (author_email) author_email, sha FROM github_activity_tracker_commit AS stored
    WHERE repository_id = %s AND author_id IS NULL AND deleted_at IS NULL
      AND author_email <> '' AND length(author_email) <= %s
      AND NOT EXISTS (SELECT 1 FROM github_activity_tracker_authoremail AS known WHERE known.email = author_email)
    ORDER BY author_email, committed_at DESC NULLS LAST LIMIT %s
"""
CLAIM = """
    WITH claimed AS (
        UPDATE github_activity_tracker_commit AS stored SET author_id = known.account_id
        FROM github_activity_tracker_authoremail AS known
        WHERE known.email = ANY(%s) AND known.account_id IS NOT NULL
          AND stored.repository_id = %s AND stored.author_email = known.email AND stored.author_id IS NULL
        RETURNING stored.sha, stored.author_id
    )
    SELECT claimed.sha, account.id, account.login
    FROM claimed JOIN github_activity_tracker_account AS account ON account.id = claimed.author_id
"""


def unknown_authors(repository_id: int, most: int) -> dict[str, str]:
    """Return authors' email addresses that were not looked up yet, each with the hash of its latest commit.

    ``most`` is the maximum number of addresses.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, [repository_id, LONGEST, most])
        return dict(cursor.fetchall())


@transaction.atomic
def store_authors(scope: Scope, users: Mapping[str, dict[str, Any] | None], now: datetime) -> int:
    """Store the accounts of author addresses, and set the authors of the repository's commits with these addresses.

    Returns the number of updated commits.
    """
    store_seen_accounts(actor_rows(*users.values()))
    rows = [
        {"email": email, "account_id": int(user["databaseId"]) if user else None, "asked_at": now}
        for email, user in sorted(users.items())
    ]
    upsert(AuthorEmail, rows, key=["email"])
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(users), int(scope.external_id)])
        claimed = {f"github:commit:{scope.external_id}:{sha}": (pk, login) for sha, pk, login in cursor.fetchall()}
    live = set_actors("github", claimed)
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind="commit", scope_id=scope.pk) for name in live
    )
    return len(claimed)


def with_known_authors(records: Sequence[Record]) -> list[Record]:
    """Return the commits. A commit without an account gets the account that is known for its author address.

    Activities get the displayed login of the author. A deleted account stays the author of its commits.
    """
    emails = {str(record.row["author_email"]) for record in records if record.row["author_id"] is None}
    known = AuthorEmail.objects.filter(pk__in=emails).exclude(account=None).values_list("email", "account_id")
    accounts: dict[str, int] = dict(known)
    ids = {int(record.row["author_id"]) for record in records if record.row["author_id"]} | set(accounts.values())
    logins = present_logins(ids)
    return [_with_author(record, accounts, logins) for record in records]


def _with_author(record: Record, accounts: Mapping[str, int], logins: Mapping[int, str]) -> Record:
    author = record.row["author_id"] or accounts.get(record.row["author_email"])
    if author is None:
        return record
    name = logins.get(author, record.activity.actor_name)
    activity = replace(record.activity, actor_external_id=str(author), actor_name=name)
    return replace(record, row=record.row | {"author_id": author}, activity=activity)


PLAN, POSITION = "commits_plan", "commits"
FILE = (
    "ordinal", "path", "previous_path", "status", "similarity", "old_mode", "new_mode", "additions", "deletions",
)  # fmt: skip
_columns = itemgetter(*FILE)


def known_refs(repository_id: int) -> dict[str, str]:
    """Return the hashes of branches and tags by full name, as of the last completed plan."""
    return dict(GitRef.objects.filter(repository_id=repository_id).values_list("name", "sha"))


MISSING = "missing_object"
"""Reason of skips for branches and tags that point to a missing object."""


def record_missing_refs(scope: Scope, names: Sequence[str]) -> None:
    """Record a skip for each branch or tag in ``names``, because it points to a missing object.

    Such skips of all other branches and tags are cleared.
    """
    open_items = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=POSITION, reason=MISSING, cleared_at=None
    ).values_list("external_id", flat=True)
    for name in set(open_items) - {_clipped(name) for name in names}:
        clear_skips(collector=COLLECTOR, scope=scope.external_id, stream=POSITION, external_id=name)
    for name in names:
        record_skip(
            collector=COLLECTOR, scope=scope.external_id, stream=POSITION, external_id=_clipped(name), reason=MISSING,
            detail=f"{name} points to an object that the repository does not have",
        )  # fmt: skip


def _clipped(name: str) -> str:
    return name[:300]


def open_plan(repository_id: int, refs: Mapping[str, str], *, full: bool) -> CommitPlan:
    """Return the plan that an earlier run did not finish, or a new plan for the current refs.

    A new plan is saved before its first page is read. If the run is killed, the next run continues the plan after the
    last stored commit. With ``full``, the result is always a new plan for all commits.
    """
    saved = load_state(repository_id, PLAN).extras.get("refs")
    known = frozenset(known_refs(repository_id).values())
    if isinstance(saved, dict) and not full:
        done = int(load_state(repository_id, POSITION).checkpoint_token or 0)
        return CommitPlan(refs=saved, known=known, done=done)  # pyright: ignore[reportUnknownArgumentType]  # as saved below
    plan = CommitPlan(refs=refs, known=frozenset() if full else known)
    if set(refs.values()) - plan.known:
        with transaction.atomic():
            save_state(repository_id, PLAN, GitHubState(extras={"refs": dict(refs)}))
            save_state(repository_id, POSITION, GitHubState(checkpoint_token=str(0)))
    return plan


@transaction.atomic
def store_commits(page: Page, *, scope: Scope, done: int | None) -> PageResult:
    """Write a page of commits and their files in a constant number of statements.

    ``done`` is the new position in the plan, or None for commits that were read one by one. Skips of malformed commits
    that could now be converted are cleared.
    """
    store_accounts_of_commits(page.accounts.values())
    known = with_known_authors(_with_times(page.records, int(scope.external_id)))
    written = upsert(Commit, (record.row for record in known), key=["repository_id", "sha"], also=["id"])
    changed = {sha: pk for _, sha, pk in written.changed}
    records = [record for record in known if record.row["sha"] in changed]
    repository_id = int(scope.external_id)
    _store_files(records, {sha: pk for _, sha, pk in written.inserted}, changed)
    record_changes(records, scope)
    skip_malformed(page.malformed, scope=scope, stream=POSITION)
    _clear_malformed(scope, [record.row["sha"] for record in known])
    if done is not None:
        state = GitHubState(checkpoint_token=str(done), human_readable_marker=number_of(done, "commit"))
        save_state(repository_id, POSITION, state)
    return PageResult(
        seen=len(page.records),
        inserted=len(written.inserted),
        updated=len(written.updated),
        malformed=len(page.malformed),
    )


def _clear_malformed(scope: Scope, shas: Sequence[str]) -> None:
    """Clear the skips of malformed commits that can now be converted or were deleted."""
    waiting = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=scope.external_id, stream=POSITION, reason="malformed", cleared_at=None
    )
    waiting.filter(external_id__in=shas).update(cleared_at=timezone.now(), retry_requested_at=None)


def _with_times(records: Sequence[Record], repository_id: int) -> Sequence[Record]:
    """Return the commits, each with a time for the timeline.

    No query is sent if all commits have a readable date, as on most pages.
    """
    undated = [record for record in records if not record.activity.occurred_at]
    if not undated:
        return records
    parents = {parent for record in undated for parent in record.row["parents"]}
    names = {f"github:commit:{repository_id}:{sha}": sha for sha in parents}
    known = {names[name]: at for name, at in times_of("github", list(names)).items()}
    created = Repository.objects.filter(pk=repository_id).values_list("created_at", flat=True).first()
    return with_times(records, known, created or timezone.now())


def _store_files(records: Sequence[Record], new: Mapping[str, int], changed: Mapping[str, int]) -> None:
    """Write the files of new and changed commits. ``new`` and ``changed`` map hashes to primary keys.

    The files of ``new`` commits are inserted without a check for existing rows. All new commits are also in
    ``changed``.
    """
    lines = (
        (new[record.row["sha"]], *_columns(file))
        for record in records if record.row["sha"] in new for file in record.children
    )  # fmt: skip
    copy(CommitFile, ["commit_id", *FILE], lines)
    changed_again = (record for record in records if record.row["sha"] not in new)
    files = ({"commit_id": changed[record.row["sha"]], **file} for record in changed_again for file in record.children)
    upsert(CommitFile, files, key=["commit_id", "ordinal"])


@transaction.atomic
def close_plan(scope: Scope, plan: CommitPlan, changes: Sequence[HeadChange], now: datetime) -> int:
    """Record that the history of the plan's refs is stored, and how the refs changed since the last completed plan.

    Commits that are no longer reachable from a branch or tag are marked as deleted. Returns the number of these
    commits. The rows of deleted refs are removed, and ``RefChange`` records the deletions.
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
    deleted = _mark_commits_deleted(scope, fallen, now)
    rows = [{"repository_id": repository_id, "name": name, "sha": sha} for name, sha in plan.refs.items()]
    upsert(GitRef, rows, key=["repository_id", "name"])
    GitRef.objects.filter(repository_id=repository_id).exclude(name__in=list(plan.refs)).delete()
    Checkpoint.objects.filter(collector=COLLECTOR, scope=str(repository_id), stream=PLAN).delete()
    return deleted


def _mark_commits_deleted(scope: Scope, shas: Sequence[str], now: datetime) -> int:
    if not shas:
        return 0
    _clear_malformed(scope, shas)
    rows = Commit.objects.filter(repository_id=int(scope.external_id), sha__in=shas, deleted_at=None)
    names = [f"github:commit:{scope.external_id}:{sha}" for sha in rows.values_list("sha", flat=True)]
    mark_activities_deleted(names, now)
    mark_deleted("github", names, now)
    return rows.update(deleted_at=now)
