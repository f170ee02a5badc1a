"""Comments on commits: as few requests as their number allows.

The repository's facts say how many there are. None costs nothing; more than before are read from the last known page
on. Where the numbers agree or cannot be known, the whole list is walked for edits: once a week and with
``--reconcile``. Where more are stored than GitHub has, their ids are verified.
"""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from github_activity_tracker import fetch, store
from github_activity_tracker.collector.streams import COMMIT_COMMENTS, Run, collect_list


def collect_commit_comments(run: Run, facts: Mapping[str, Any] | None) -> None:
    """Read what is new, or everything; ``facts`` is None where GraphQL cannot be asked."""
    total = ((facts or {}).get("commitComments") or {}).get("totalCount")
    stored = len(store.live_commit_comments(run.repository_id))
    if total == 0 and not stored:
        return
    state = run.start(COMMIT_COMMENTS)
    whole = total is None or stored >= total or fetch.is_unfinished(state)
    if whole and not fetch.is_unfinished(state):
        state = fetch.whole_walk(state)
    collect_list(run, COMMIT_COMMENTS, state)
    if total is None:
        return
    if not whole and len(store.live_commit_comments(run.repository_id)) < total:
        collect_list(run, COMMIT_COMMENTS, fetch.whole_walk(store.load_state(run.repository_id, COMMIT_COMMENTS)))
    ids = store.live_commit_comments(run.repository_id)
    if len(ids) > total:
        gone = fetch.absent_nodes(run.client, list(ids), run.scope.name)
        deleted = store.delete_commit_comments(run.scope, [ids[node_id] for node_id in gone], timezone.now())
        run.counts[f"{COMMIT_COMMENTS}_deleted"] += deleted
