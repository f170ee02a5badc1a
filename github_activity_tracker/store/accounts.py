"""Accounts, and what follows when one changes its name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.values import Row
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import Logins, observe_login
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


GRAPHQL = "graphql"
"""The source of all accounts that GraphQL shows: its lists do not differ in the logins that they show."""


def store_accounts(rows: Iterable[Row], source: str = "rest") -> None:
    """Store accounts; a new login reaches the timeline and the documents in which the account speaks.

    ``source`` is the stream in which GitHub showed these accounts: lists may show different logins of one account.
    """
    _store(list(rows), source, keep=())


def store_seen_accounts(rows: Iterable[Row]) -> None:
    """Store accounts that GraphQL showed, which tells login and kind alone in the same way as REST."""
    _store(list(rows), GRAPHQL, keep=("node_id", "avatar_url", "html_url"))


def _store(rows: list[Row], source: str, keep: Sequence[str]) -> None:
    new = [row for row in rows if _seen(row, source) not in _written]
    if not new:
        return
    settled, renamed = _settle({row["id"]: row for row in new}, source)
    upsert(Account, settled, key=["id"], keep=keep)
    if renamed:
        _rename(renamed)
    if len(_written) > REMEMBERED:
        _written.clear()
    transaction.on_commit(lambda: _written.update(_seen(row, source) for row in new))


AUTHOR: Mapping[str, str] = {"author_id": "author_id"}
"""For ``upsert``: GitHub shows nobody for an account that is flagged or deleted; rows keep the author that is known."""
REMEMBERED = 20_000
"""So many accounts at most, a few MiB."""
_written: set[tuple[object, ...]] = set()
"""Accounts as this run has committed them: most pages show the same people again."""


def _seen(row: Row, source: str) -> tuple[object, ...]:
    return (source, *row.values())


def forget_written() -> None:
    """Forget which accounts were written: before a run, and when an account is marked in another way."""
    _written.clear()


def present_logins(ids: Iterable[int]) -> dict[int, str]:
    """Return the logins under which these accounts are shown here, by id."""
    return dict(Account.objects.filter(pk__in=set(ids)).values_list("pk", "login"))


def _settle(rows: Mapping[int, Row], source: str) -> tuple[list[Row], list[int]]:
    """Return these rows with the login that is shown here and those of all sources, and the ids of renamed accounts.

    Logins that are replaced are stored as former ones.
    """
    stored = Account.objects.filter(pk__in=list(rows)).values_list("pk", "login", "kind", "logins")
    known = {pk: (login, kind, logins) for pk, login, kind, logins in stored}
    former = _former(pk for pk, (login, _, _) in known.items() if login != rows[pk]["login"])
    settled: list[Row] = []
    replaced: list[FormerLogin] = []
    renamed: list[int] = []
    for pk, row in rows.items():
        login, kind, logins = known.get(pk, ("", row["kind"], {}))
        before = Logins(login=login, by_source=logins, former=former[pk]) if login else None
        kind = "User" if kind == row["kind"] == "User" else "other"
        after = observe_login(before, kind=kind, source=source, login=row["login"])
        settled.append(row | {"login": after.login, "logins": dict(after.by_source)})
        if after.replaced:
            replaced.append(FormerLogin(account_id=pk, login=after.replaced, noticed_at=timezone.now()))
        if before and after.login != before.login:
            renamed.append(pk)
    FormerLogin.objects.bulk_create(replaced)
    return settled, renamed


def _former(ids: Iterable[int]) -> defaultdict[int, set[str]]:
    """Return the former logins of these accounts."""
    found = defaultdict[int, set[str]](set)
    wanted = list(ids)
    if wanted:
        for pk, login in FormerLogin.objects.filter(account_id__in=wanted).values_list("account_id", "login"):
            found[pk].add(login)
    return found


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
    rows = [row | {"logins": {}} for row in rows]
    if rows:
        upsert(Account, rows, key=["id"], keep=[name for name in rows[0] if name != "id"])
