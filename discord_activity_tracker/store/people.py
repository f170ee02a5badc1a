"""Store the accounts of people, bots and webhooks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.accounts import AccountChanges, AccountStore
from core.ingest.values import Row
from core.search.documents import DocumentMark
from discord_activity_tracker.models import Account, FormerName

NAME_FIELDS = ("id", "username", "global_name", "avatar", "exported_at")


class DiscordAccounts(AccountStore):
    """Store of Discord accounts.

    A name or avatar that is ``None``, as in partial user objects, leaves the stored value unchanged.
    """

    source_system = "discord"
    model = Account

    def compare(self, rows: Sequence[Row], variant: str) -> AccountChanges:
        """Complete the rows with stored values, and collect the former names of renamed accounts."""
        del variant
        stored = Account.objects.filter(pk__in=[row["id"] for row in rows]).values(*NAME_FIELDS)
        known = {account["id"]: account for account in stored}
        complete = [_completed(row, known.get(row["id"], {})) for row in rows]
        now = timezone.now()
        former = [
            FormerName(account_id=row["id"], username=old["username"], global_name=old["global_name"], noticed_at=now)
            for row in {row["id"]: row for row in complete}.values()
            if (old := known.get(row["id"])) and _is_renamed(old, row)
        ]
        shown = {row["id"]: _shown(row) for row in complete if row["kind"] != "webhook"}
        names = {pk: name for pk, name in shown.items() if pk in known and _shown(known[pk]) != name}
        return AccountChanges(rows=complete, former_names=former, names=names)

    def documents_to_reindex(self, threads: Collection[tuple[str, int]]) -> Iterable[DocumentMark]:
        """Return the conversations in which renamed accounts posted.

        In Discord's timeline, every thread is a conversation.
        """
        return [
            DocumentMark(source_system="discord", external_id=thread, kind="conversation", scope_id=scope_id)
            for thread, scope_id in threads
        ]


_accounts = DiscordAccounts()
store_accounts = _accounts.store
forget_written = _accounts.forget


def store_webhooks(rows: Iterable[Row]) -> None:
    """Insert unknown webhooks. A webhook can have a different name in each message, so messages store its name."""
    new = [_completed(row, {}) for row in rows]
    if new:
        upsert(Account, new, key=["id"], keep=[name for name in new[0] if name != "id"])


def _shown(account: Mapping[str, Any]) -> str:
    """Return the name that the timeline and the documents show."""
    return account["global_name"] or account["username"]


def _completed(row: Row, known: Mapping[str, Any]) -> Row:
    """Return the row with each missing name or avatar replaced by the stored value, or else by an empty string."""
    missing = {name: known.get(name, "") for name in ("global_name", "avatar") if row[name] is None}
    return {**row, **missing} if missing else row


def _is_renamed(old: Mapping[str, Any], row: Row) -> bool:
    """Return whether the name of an account changed.

    Exports contain no global names. If the stored names come from an export, only the usernames are compared.
    """
    if old["exported_at"]:
        return old["username"] != row["username"]
    return (old["username"], old["global_name"]) != (row["username"], row["global_name"])
