"""Whose commits they are: no-reply addresses say it themselves, the others GitHub is asked about, once each."""

from django.utils import timezone

from github_activity_tracker import fetch, store
from github_activity_tracker.collector.streams import Run
from github_activity_tracker.protocol_impl import GitHubState

STATE = "authors"
MOST = 500
"""Addresses that one run asks about, five requests; later runs ask about the rest."""


def find_authors(run: Run, *, read: bool) -> None:
    """Ask about addresses that are new, if commits were ``read`` or an earlier run left some."""
    if not read and not store.load_state(run.repository_id, STATE).extras:
        return
    unknown = store.unknown_authors(run.repository_id, MOST)
    if unknown:
        store.save_state(run.repository_id, STATE, GitHubState(extras={"more": True}))
    for told in fetch.authors(run.client, run.node_id, unknown, run.scope.name):
        run.counts["authors"] += len(told)
        run.counts["authors_found"] += sum(user is not None for user in told.values())
        run.counts["commits_claimed"] += store.store_authors(run.scope, told, timezone.now())
        run.client.share_budgets()
    if len(unknown) < MOST:
        store.save_state(run.repository_id, STATE, GitHubState())
