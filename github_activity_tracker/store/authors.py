"""Authors of commits: addresses become accounts, on the timeline and in documents too."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.db.upsert import upsert
from core.ingest.records import Record
from core.models import Scope
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import actor_rows
from github_activity_tracker.models import AuthorEmail
from github_activity_tracker.store.accounts import present_logins, store_seen_accounts

LONGEST = 254
"""Characters of an address: https://www.rfc-editor.org/errata/eid1690. What is longer is nobody's."""
UNKNOWN = """
    SELECT DISTINCT ON (author_email) author_email, sha FROM github_activity_tracker_commit AS kept
    WHERE repository_id = %s AND author_id IS NULL AND deleted_at IS NULL
      AND author_email <> '' AND length(author_email) <= %s
      AND NOT EXISTS (SELECT 1 FROM github_activity_tracker_authoremail AS asked WHERE asked.email = author_email)
    ORDER BY author_email, committed_at DESC NULLS LAST LIMIT %s
"""
CLAIM = """
    WITH claimed AS (
        UPDATE github_activity_tracker_commit AS kept SET author_id = told.account_id
        FROM github_activity_tracker_authoremail AS told
        WHERE told.email = ANY(%s) AND told.account_id IS NOT NULL
          AND kept.repository_id = %s AND kept.author_email = told.email AND kept.author_id IS NULL
        RETURNING kept.sha, kept.author_id
    )
    UPDATE core_activity SET actor_external_id = account.id::text, actor_name = account.login
    FROM claimed JOIN github_activity_tracker_account AS account ON account.id = claimed.author_id
    WHERE source_system = 'github' AND external_id = 'github:commit:' || %s || ':' || claimed.sha
    RETURNING external_id, core_activity.deleted_at
"""


def unknown_authors(repository_id: int, most: int) -> dict[str, str]:
    """Addresses that GitHub was not asked about yet, each with a commit."""
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, [repository_id, LONGEST, most])
        return dict(cursor.fetchall())


@transaction.atomic
def store_authors(scope: Scope, told: Mapping[str, dict[str, Any] | None], now: datetime) -> int:
    """Keep what GitHub said of some addresses, and give their commits to the accounts; returns how many commits."""
    store_seen_accounts(actor_rows(*told.values()))
    rows = [
        {"email": email, "account_id": int(user["databaseId"]) if user else None, "asked_at": now}
        for email, user in sorted(told.items())
    ]
    upsert(AuthorEmail, rows, key=["email"])
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(told), int(scope.external_id), scope.external_id])
        claimed = cursor.fetchall()
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind="commit", scope_id=scope.pk)
        for name, deleted_at in claimed
        if deleted_at is None
    )
    return len(claimed)


def with_known_authors(records: Sequence[Record]) -> list[Record]:
    """Return the same commits with the authors that are known here: by address, and under their present logins.

    An account that GitHub no longer has keeps its commits.
    """
    emails = {str(record.row["author_email"]) for record in records if record.row["author_id"] is None}
    told = AuthorEmail.objects.filter(pk__in=emails).exclude(account=None).values_list("email", "account_id")
    accounts: dict[str, int] = dict(told)
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
