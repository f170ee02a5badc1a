"""Accounts, and what follows when one changes its name."""

from collections.abc import Iterable

from django.db import connection

from core.models.upsert import upsert
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import Row
from github_activity_tracker.models import Account

RENAME = """
    UPDATE core_activity SET actor_name = account.login
    FROM github_activity_tracker_account AS account
    WHERE core_activity.source_system = 'github'
      AND core_activity.actor_external_id = account.id::text
      AND core_activity.actor_name <> account.login
      AND account.id = ANY(%s)
    RETURNING core_activity.thread
"""
TOUCHED = """
    SELECT source_system, external_id, kind, scope_id FROM core_document
    WHERE source_system = 'github' AND external_id = ANY(%s) AND deleted_at IS NULL
"""


def store_accounts(rows: Iterable[Row]) -> None:
    """Keep accounts; a new login reaches the timeline and the documents in which the account speaks."""
    renamed = [key[0] for key in upsert(Account, rows, key=["id"]).updated]
    if not renamed:
        return
    with connection.cursor() as cursor:
        cursor.execute(RENAME, [renamed])
        threads = list({row[0] for row in cursor.fetchall()})
        cursor.execute(TOUCHED, [threads])
        documents = cursor.fetchall()
    mark_changed(
        DocumentMark(source_system=source, external_id=external_id, kind=kind, scope_id=scope_id)
        for source, external_id, kind, scope_id in documents
    )


def store_accounts_of_commits(rows: Iterable[Row]) -> None:
    """Keep accounts read out of no-reply addresses, unless known: an old address may carry an old login."""
    rows = list(rows)
    if rows:
        upsert(Account, rows, key=["id"], keep=[name for name in rows[0] if name != "id"])
