"""Accounts, and what follows when one changes its name."""

from collections.abc import Iterable

from django.db import connection, transaction
from django.utils import timezone

from core.models.upsert import upsert
from core.search.documents import DocumentMark, mark_changed
from discord_activity_tracker.convert.texts import Row
from discord_activity_tracker.models import Account, FormerName

RENAME = """
    UPDATE core_activity SET actor_name = coalesce(nullif(account.global_name, ''), account.username)
    FROM discord_activity_tracker_account AS account
    WHERE core_activity.source_system = 'discord' AND core_activity.actor_external_id = account.id::text
      AND core_activity.actor_name <> coalesce(nullif(account.global_name, ''), account.username)
      AND account.id = ANY(%s) AND account.kind <> 'webhook'
    RETURNING core_activity.thread, core_activity.scope_id
"""
REMEMBERED = 20_000
"""So many accounts at most, a few MiB."""
_written: set[tuple[object, ...]] = set()
"""Accounts as this run has committed them: most pages show the same people again."""


def forget_written() -> None:
    """Before a run: another process may have written since."""
    _written.clear()


def store_accounts(rows: Iterable[Row]) -> None:
    """Keep accounts; a new name reaches the timeline and the conversations in which the account speaks."""
    new = [row for row in rows if tuple(row.values()) not in _written]
    if not new:
        return
    names = {row["id"]: (row["username"], row["global_name"]) for row in new}
    known = Account.objects.filter(pk__in=list(names)).values_list("pk", "username", "global_name")
    now = timezone.now()
    FormerName.objects.bulk_create(
        FormerName(account_id=pk, username=username, global_name=shown, noticed_at=now)
        for pk, username, shown in known
        if (username, shown) != names[pk]
    )
    if changed := [key[0] for key in upsert(Account, new, key=["id"]).updated]:
        _rename(changed)
    if len(_written) > REMEMBERED:
        _written.clear()
    transaction.on_commit(lambda: _written.update(tuple(row.values()) for row in new))


def store_webhooks(rows: Iterable[Row]) -> None:
    """Keep webhooks, unless known: they speak under another name each time, which the message keeps."""
    new = list(rows)
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
