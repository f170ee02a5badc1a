"""Stores accounts and their logins."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.utils import timezone

from core.db.upsert import upsert
from core.ingest.accounts import AccountChanges, AccountStore
from core.ingest.values import Row
from github_activity_tracker.convert.accounts import Logins, observe_login
from github_activity_tracker.models import Account, FormerLogin

GRAPHQL = "graphql"
"""The ``variant`` of accounts from GraphQL, which returns the same login for an account in all lists."""
AUTHOR: Mapping[str, str] = {"author_id": "author_id"}
"""The ``guarded`` argument of ``upsert`` for rows with an author.

GitHub returns no author for a flagged or deleted account. In this case, the stored author is preserved.
"""


class GitHubAccounts(AccountStore):
    """The store of GitHub accounts.

    GitHub's lists may have different logins for one account. Therefore, the login is stored once for each ``variant``:
    the name of the REST list that contained the account, or ``GRAPHQL``.
    """

    source_system = "github"
    model = Account

    def compare(self, rows: Sequence[Row], variant: str) -> AccountChanges:
        """Compare accounts with the stored accounts, and return the changes.

        Each row in the result has the login to display and the login of each variant. ``former_names`` contains the
        replaced logins. ``names`` maps account ids to new logins to display.
        """
        by_id = {row["id"]: row for row in rows}
        stored = Account.objects.filter(pk__in=list(by_id)).values_list("pk", "login", "kind", "logins")
        known = {pk: (login, kind, logins) for pk, login, kind, logins in stored}
        former = _former_logins(pk for pk, (login, _, _) in known.items() if login != by_id[pk]["login"])
        settled: list[Row] = []
        replaced: list[FormerLogin] = []
        names: dict[int, str] = {}
        for pk, row in by_id.items():
            login, kind, logins = known.get(pk, ("", row["kind"], {}))
            before = Logins(login=login, by_source=logins, former=former[pk]) if login else None
            kind = "User" if kind == row["kind"] == "User" else "other"
            after = observe_login(before, kind=kind, source=variant, login=row["login"])
            settled.append(row | {"login": after.login, "logins": dict(after.by_source)})
            if after.replaced:
                replaced.append(FormerLogin(account_id=pk, login=after.replaced, noticed_at=timezone.now()))
            if before and after.login != before.login:
                names[pk] = after.login
        return AccountChanges(rows=settled, former_names=replaced, names=names)


_accounts = GitHubAccounts()
forget_written = _accounts.forget


def store_accounts(rows: Iterable[Row], source: str = "rest") -> None:
    """Store accounts from the REST list ``source``. New logins also update the timeline and the index."""
    _accounts.store(rows, variant=source)


def store_seen_accounts(rows: Iterable[Row]) -> None:
    """Store accounts from GraphQL.

    The node id and the URLs of known accounts are not updated, because GraphQL's values may differ from REST's.
    """
    _accounts.store(rows, variant=GRAPHQL, keep=("node_id", "avatar_url", "html_url"))


def store_accounts_of_commits(rows: Iterable[Row]) -> None:
    """Insert the accounts that are not stored yet. The rows are derived from the no-reply addresses of commits.

    Stored accounts are not changed, because an old address may contain an old login.
    """
    rows = [row | {"logins": {}} for row in rows]
    if rows:
        upsert(Account, rows, key=["id"], keep=[name for name in rows[0] if name != "id"])


def present_logins(ids: Iterable[int]) -> dict[int, str]:
    """Return the displayed logins of these accounts, by id."""
    return dict(Account.objects.filter(pk__in=set(ids)).values_list("pk", "login"))


def _former_logins(ids: Iterable[int]) -> defaultdict[int, set[str]]:
    """Return the former logins of these accounts, by id."""
    logins = defaultdict[int, set[str]](set)
    accounts = list(ids)
    if accounts:
        for pk, login in FormerLogin.objects.filter(account_id__in=accounts).values_list("account_id", "login"):
            logins[pk].add(login)
    return logins
