"""Accounts, and what follows when one changes its name."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.values import Row
from core.search.documents import DocumentMark, mark_changed
from discord_activity_tracker.models import Account, FormerName

RENAME = """
    UPDATE core_activity SET actor_name = coalesce(nullif(account.global_name, ''), account.username)
    FROM discord_activity_tracker_account AS account
    WHERE core_activity.source_system = 'discord' AND core_activity.actor_external_id = account.id::text
      AND core_activity.actor_name <> coalesce(nullif(account.global_name, ''), account.username)
      AND account.id = ANY(%s) AND account.kind <> 'webhook'
    RETURNING core_activity.thread, core_activity.scope_id
"""
NAMED = ("id", "username", "global_name", "avatar", "exported_at")
REMEMBERED = 20_000
"""So many accounts at most, a few MiB."""
_written: set[tuple[object, ...]] = set()
"""Accounts as this run has committed them: most pages show the same people again."""


def forget_written() -> None:
    """Before a run: another process may have written since."""
    _written.clear()


def store_accounts(rows: Iterable[Row]) -> None:
    """Keep accounts; a new name reaches the timeline and the conversations in which the account speaks.

    Names and pictures that are ``None``, as in partial objects, stay as they are.
    """
    new = [row for row in rows if tuple(row.values()) not in _written]
    if not new:
        return
    known = {
        account["id"]: account for account in Account.objects.filter(pk__in=[row["id"] for row in new]).values(*NAMED)
    }
    whole = [_completed(row, known.get(row["id"], {})) for row in new]
    now = timezone.now()
    FormerName.objects.bulk_create(
        FormerName(account_id=row["id"], username=old["username"], global_name=old["global_name"], noticed_at=now)
        for row in {row["id"]: row for row in whole}.values()
        if (old := known.get(row["id"])) and _is_renamed(old, row)
    )
    if changed := [key[0] for key in upsert(Account, whole, key=["id"]).updated]:
        _rename(changed)
    if len(_written) > REMEMBERED:
        _written.clear()
    transaction.on_commit(lambda: _written.update(tuple(row.values()) for row in new))


def _completed(row: Row, known: Mapping[str, Any]) -> Row:
    """Return the row with what is stored, or nothing, in place of ``None``."""
    missing = {name: known.get(name, "") for name in ("global_name", "avatar") if row[name] is None}
    return {**row, **missing} if missing else row


def _is_renamed(old: Mapping[str, Any], row: Row) -> bool:
    """Whether an account had another name. An export does not know global names, so none is former to it."""
    if old["exported_at"]:
        return old["username"] != row["username"]
    return (old["username"], old["global_name"]) != (row["username"], row["global_name"])


def store_webhooks(rows: Iterable[Row]) -> None:
    """Keep webhooks, unless known: they speak under another name each time, which the message keeps."""
    new = [_completed(row, {}) for row in rows]
    if new:
        upsert(Account, new, key=["id"], keep=[name for name in new[0] if name != "id"])


def _rename(accounts: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RENAME, [accounts])
        touched = set(cursor.fetchall())
    mark_changed(
        DocumentMark(source_system="discord", external_id=thread, kind="conversation", scope_id=scope_id)
        for thread, scope_id in touched
        if thread
    )
