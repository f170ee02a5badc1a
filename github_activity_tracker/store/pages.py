"""Functions that all streams use to write a page: checkpoints, rows, tombstones, the timeline and skips.

A row that was deleted on GitHub stays as a tombstone, with the time when its absence was noticed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from psycopg import sql

from core.db.upsert import upsert
from core.ingest import timeline
from core.ingest.checkpoints import Checkpoints
from core.ingest.records import Malformed, Page, PageResult, Record
from core.ingest.skips import record_malformed, record_skip
from core.ingest.timeline import record_activity
from core.ingest.values import Row
from core.models import Scope, SkippedItem
from core.protocols import IncrementalState
from core.search.documents import DocumentMark, mark_changed, mark_deleted
from github_activity_tracker.models import Account, CommitComment, Issue, IssueComment, ReviewComment, Revision
from github_activity_tracker.protocol_impl import HIDDEN, GitHubState
from github_activity_tracker.store.accounts import AUTHOR, present_logins, store_accounts

COLLECTOR = "github"
_checkpoints = Checkpoints(COLLECTOR, GitHubState)
load_state = _checkpoints.load
save_state = _checkpoints.save
forget_state = _checkpoints.drop


def shortfalls(repository_id: int, stream: str) -> dict[str, dict[str, Any]]:
    """Return the payloads of the open skips of incomplete items, by external id."""
    items = SkippedItem.objects.filter(
        collector=COLLECTOR, scope=str(repository_id), stream=stream, cleared_at=None, payload__has_key="lists"
    )
    return dict(items.values_list("external_id", "payload"))


GONE_FROM_WHOLE = """
    UPDATE {table} AS stored SET deleted_at = %s
    WHERE repository_id = %s AND {number} = ANY(%s) AND deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM unnest(%s::{type}[]) AS here (id) WHERE here.id = stored.{key})
    RETURNING {key}, {number}
"""
"""SQL that marks rows as deleted if they belong to a complete list but are absent from the new page."""


def mark_absent_deleted(
    model: type[models.Model], number: str, whole: Sequence[int], here: Sequence[Any], *, scope: Scope, now: datetime
) -> list[tuple[Any, int]]:
    """Mark rows that are absent from complete lists as deleted. Returns the primary keys and numbers of these rows.

    ``number`` is the column with the number of the item that a row belongs to. ``whole`` contains the numbers of items
    with complete lists, and ``here`` the primary keys of the rows on the page.
    """
    if not whole:
        return []
    key = str(model._meta.pk.column)  # pyright: ignore[reportOptionalMemberAccess]  # every model has one
    kind = "text" if isinstance(model._meta.pk, models.CharField) else "bigint"
    statement = GONE_FROM_WHOLE.format(table=model._meta.db_table, number=number, key=key, type=kind)
    with connection.cursor() as cursor:
        cursor.execute(statement, [now, int(scope.external_id), list(whole), list(here)])
        return [(row[0], row[1]) for row in cursor.fetchall()]


def mark_rows_deleted(model: type[models.Model], keys: Iterable[Any], now: datetime) -> int:
    """Mark rows as deleted. Returns the number of rows that were not marked before."""
    return model._default_manager.filter(pk__in=list(keys), deleted_at=None).update(deleted_at=now)


def mark_activities_deleted(external_ids: Iterable[str], now: datetime) -> None:
    """Mark activities as deleted."""
    timeline.mark_activities_deleted("github", external_ids, now)


def mark_thread_activities_deleted(threads: Iterable[str], now: datetime) -> None:
    """Mark all activities of these issues, pull requests or discussions as deleted."""
    timeline.mark_threads_deleted("github", threads, now)


def reindex_threads(kind: str, numbers: Iterable[int], scope: Scope) -> None:
    """Request a re-index of the documents of these issues, pull requests or discussions."""
    mark_changed(
        DocumentMark(
            source_system="github",
            external_id=f"github:{kind}:{scope.external_id}:{number}",
            kind=kind,
            scope_id=scope.pk,
        )
        for number in set(numbers)
    )


def drop_documents(kind: str, numbers: Iterable[int], scope: Scope, now: datetime) -> None:
    """Remove the documents of these issues, pull requests or discussions from the index."""
    mark_deleted("github", (f"github:{kind}:{scope.external_id}:{number}" for number in set(numbers)), now)


def keep_earlier_texts(model: type[models.Model], records: Sequence[Record], kind: str) -> None:
    """Save stored texts as revisions before these records replace them. Sends at most two statements.

    Call this function before the rows are written, in the same transaction.
    """
    if not records:
        return
    names = [name for name in ("title", "body") if name in records[0].row]
    known = _stored_texts(model, [record.row["id"] for record in records], ("id", "updated_at", *names))
    replaced: list[dict[str, Any]] = []
    for row in (record.row for record in records):
        old = known.get(row["id"])
        if old and old["updated_at"] <= row["updated_at"] and any(old[name] != row[name] for name in names):
            replaced.append(
                {
                    "repository_id": row["repository_id"],
                    "kind": kind,
                    "object_id": row["id"],
                    "title": old.get("title"),
                    "body": old["body"],
                    "written_at": old["updated_at"],
                    "replaced_at": row["updated_at"],
                }
            )
        if old is None or old["updated_at"] <= row["updated_at"]:
            known[row["id"]] = row  # a later record may be a newer version of the same item
    upsert(Revision, replaced, key=["kind", "object_id", "written_at", "replaced_at"])


def _stored_texts(model: type[models.Model], ids: list[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Return the columns ``names`` of stored rows, by id. The ORM would take ten times as long as this plain SQL."""
    statement = sql.SQL("SELECT {} FROM {} WHERE id = ANY(%s)").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(model._meta.db_table)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids])
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def keep_longer_lists(model: type[models.Model], rows: Sequence[Row], short: Mapping[int, Sequence[str]]) -> list[Row]:
    """Return the rows. In an incomplete column, the stored list is used if it is longer than the new list.

    ``short`` contains the names of the incomplete columns by row id. If ``short`` is empty, no query is sent.
    """
    if not short:
        return list(rows)
    stored = {row.pk: row for row in model._default_manager.filter(pk__in=list(short))}

    def restored(row: Row) -> Row:
        if (before := stored.get(row["id"])) is None:
            return row
        lists = {name: getattr(before, name) for name in short.get(row["id"], ())}
        return row | {name: value for name, value in lists.items() if len(value) > len(row[name])}

    return [restored(row) for row in rows]


def keep_known_authors(model: type[models.Model], records: Sequence[Record], actor: str = "author_id") -> list[Record]:
    """Return the records. If an error hid the actor of a record, the stored author is used.

    ``actor`` is the column with the id of the author. If no actor is hidden, no query is sent.
    """
    key = str(model._meta.pk.attname)  # pyright: ignore[reportOptionalMemberAccess]  # every model has one
    hidden = [record.row[key] for record in records if record.activity.actor_name == HIDDEN]
    if not hidden:
        return list(records)
    known = dict(model._default_manager.filter(pk__in=hidden).exclude(**{actor: None}).values_list("pk", actor))
    logins = dict(Account.objects.filter(pk__in=known.values()).values_list("pk", "login"))

    def restored(record: Record) -> Record:
        author = known.get(record.row[key])
        if record.activity.actor_name != HIDDEN or author is None:
            return record
        activity = replace(
            record.activity, actor_external_id=str(author), actor_name=logins.get(author, record.activity.actor_name)
        )
        return replace(record, row=record.row | {actor: author}, activity=activity)

    return [restored(record) for record in records]


KINDS: dict[type[models.Model], str] = {
    Issue: "issue",
    IssueComment: "issue_comment",
    ReviewComment: "review_comment",
    CommitComment: "commit_comment",
}
ACTOR: Mapping[str, str] = {"actor_external_id": "actor_external_id", "actor_name": "actor_external_id"}
"""The ``guarded`` argument of ``upsert`` for activities.

GitHub returns no actor for a deleted or flagged account. In this case, the stored actor is preserved.
"""


@transaction.atomic
def store_page(
    model: type[models.Model], page: Page, *, scope: Scope, stream: str, state: IncrementalState | None
) -> PageResult:
    """Write a page of issues or comments in a constant number of statements. Unchanged rows are not updated.

    ``state`` is None for items that were requested one by one. In this case, no checkpoint is saved.
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
    """Add new and changed records to the timeline, and request a re-index of their documents.

    An account may have several logins in GitHub's lists. The timeline uses the displayed login for all its activities.
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
    """Record a skip for an item that GitHub did not return."""
    record_skip(
        collector=COLLECTOR, scope=scope.external_id, stream=stream, external_id=external_id, reason="refused",
        detail="GitHub did not return the item, even in a request of its own",
    )  # fmt: skip
