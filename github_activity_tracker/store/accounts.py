"""Accounts, and what follows when one changes its name."""

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.utils import timezone

from core.models.upsert import upsert
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import Row
from github_activity_tracker.models import Account, FormerLogin

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
    _store(list(rows), keep=())


def store_seen_accounts(rows: Iterable[Row]) -> None:
    """Keep accounts that GraphQL showed, which tells login and kind alone in the same way as REST."""
    _store(list(rows), keep=("node_id", "avatar_url", "html_url"))


def _store(rows: list[Row], keep: Sequence[str]) -> None:
    new = [row for row in rows if _seen(row) not in _written]
    if not new:
        return
    _remember_logins(new)
    changed = [key[0] for key in upsert(Account, new, key=["id"], keep=keep).updated]
    if changed:
        _rename(changed)
    if len(_written) > REMEMBERED:
        _written.clear()
    transaction.on_commit(lambda: _written.update(map(_seen, new)))


REMEMBERED = 20_000
"""So many accounts at most, a few MiB."""
_written: set[tuple[object, ...]] = set()
"""Accounts as this run has committed them: most pages show the same people again."""


def _seen(row: Row) -> tuple[object, ...]:
    return tuple(row.values())


def forget_written() -> None:
    """Before a run: another process may have written since."""
    _written.clear()


def _remember_logins(rows: list[Row]) -> None:
    """Keep the logins that these rows replace."""
    new = {row["id"]: row["login"] for row in rows}
    known = Account.objects.filter(pk__in=list(new)).values_list("pk", "login")
    now = timezone.now()
    FormerLogin.objects.bulk_create(
        FormerLogin(account_id=pk, login=login, noticed_at=now) for pk, login in known if login != new[pk]
    )


def _rename(renamed: list[int]) -> None:
    """Bring changed logins onto the timeline and into the documents."""
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
