"""Whose commits they are: no-reply addresses say it themselves, the others GitHub is asked about, once each."""

from django.utils import timezone

from github_activity_tracker import fetch, store
from github_activity_tracker.collector.streams import Run
from github_activity_tracker.protocol_impl import GitHubState

STATE = "authors"
MOST = 500
"""Addresses that one run asks about, five requests; later runs ask about the rest."""


def expect_authors(repository_id: int) -> None:
    """Remember that commits were read, so that a later run looks up their authors if this one is cut off before."""
    store.save_state(repository_id, STATE, GitHubState(extras={"more": True}))


def find_authors(run: Run) -> None:
    """Look up the accounts of new addresses, if this run or an earlier one read commits or left addresses."""
    if not store.load_state(run.repository_id, STATE).extras:
        return
    unknown = store.unknown_authors(run.repository_id, MOST)
    for accounts in fetch.authors(run.client, run.node_id, unknown, run.scope.name):
        run.counts["authors"] += len(accounts)
        run.counts["authors_found"] += sum(user is not None for user in accounts.values())
        run.counts["commits_claimed"] += store.store_authors(run.scope, accounts, timezone.now())
        run.client.share_budgets()
    if len(unknown) < MOST:
        store.save_state(run.repository_id, STATE, GitHubState())
