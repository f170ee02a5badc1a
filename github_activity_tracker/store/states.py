"""Stores states that only GraphQL returns: whether a comment is hidden, and whether a review thread is resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Count, F, Q

from core.ingest.timeline import threads_of
from core.models import Scope
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert.accounts import actor_rows
from github_activity_tracker.convert.page import hidden_state, resolved_state
from github_activity_tracker.models import CommitComment, IssueComment, PullRequest, ReviewComment
from github_activity_tracker.store.accounts import store_seen_accounts

KINDS: dict[str, type[models.Model]] = {
    "issue_comment": IssueComment,
    "review_comment": ReviewComment,
    "commit_comment": CommitComment,
}
Answers = Mapping[str, dict[str, Any] | None]
"""GraphQL nodes by node id. A node that GitHub did not return is None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """Selects live comments and pull requests with states that have to be read.

    Rows are selected if their state was never read, or if they changed after their state was read. An ``updated_at``
    later than ``now`` does not count as a change. With ``read_before``, rows with a state that was last read at or
    before this time are also selected. With ``changed_since``, only rows that changed at or after this time are
    selected.
    """

    repository_id: int
    now: datetime
    changed_since: datetime | None = None
    read_before: datetime | None = None

    def rows(self, model: type[models.Model], read_at: str) -> "models.QuerySet[models.Model]":
        """Return the selected rows of a model. ``read_at`` is the column with the time when the state was last read."""
        stale = Q(**{read_at: None}) | Q(**{f"{read_at}__lt": F("updated_at"), "updated_at__lte": self.now})
        if self.read_before:
            stale |= Q(**{f"{read_at}__lte": self.read_before})
        if self.changed_since:
            stale &= Q(updated_at__gte=self.changed_since)
        live = model._default_manager.filter(stale, repository_id=self.repository_id, deleted_at=None)
        return live.exclude(node_id="").order_by("-updated_at", "pk")


def stale_comments(stale: Stale, most: int) -> list[str]:
    """Return node ids of comments with a state that has to be read, most recently updated first within each kind.

    ``most`` is the maximum number of node ids.
    """
    ids: list[str] = []
    for model in KINDS.values():
        ids += stale.rows(model, "state_read_at").values_list("node_id", flat=True)[: most - len(ids)]
    return ids


def stale_pulls(stale: Stale, most: int) -> list[tuple[str, int]]:
    """Return the node ids of pull requests with review threads to read, each with its number of stored threads.

    Pull requests without review comments have no threads and are omitted. ``most`` is the maximum number of pull
    requests.
    """
    result: list[tuple[str, int]] = []
    rows = stale.rows(PullRequest, "threads_read_at").filter(
        number__in=ReviewComment.objects.filter(repository_id=stale.repository_id).values("pull_number")
    )
    pulls = dict(rows.values_list("number", "node_id")[:most])
    first = ReviewComment.objects.filter(
        repository_id=stale.repository_id, pull_number__in=list(pulls), in_reply_to_id=None, deleted_at=None
    )
    threads = dict(first.values("pull_number").annotate(n=Count("pk")).order_by().values_list("pull_number", "n"))
    for number, node_id in pulls.items():
        result.append((node_id, threads.get(number, 0)))
    return result


@transaction.atomic
def store_hidden_states(scope: Scope, answers: Answers, at: datetime) -> int:
    """Store whether comments are hidden, and request a re-index of their documents. Returns the number of changed rows.

    ``at`` is the time when the states were read.
    """
    names: list[str] = []
    count = 0
    for kind, model in KINDS.items():
        rows = list(_locked(model, scope, node_id__in=list(answers)))
        shown = {row.pk: _as_shown(row) for row in rows}
        changed = [row for row in rows if _set(row, answers.get(row.node_id), hidden_state)]
        if changed:
            model._default_manager.bulk_update(changed, ["is_minimized", "minimized_reason"])
        names += [f"github:{kind}:{row.pk}" for row in changed if _as_shown(row) != shown[row.pk]]
        count += len(changed)
        model._default_manager.filter(pk__in=[row.pk for row in rows]).update(state_read_at=at)
    _reindex_threads_of(names, scope)
    return count


def _as_shown(row: Any) -> tuple[bool, str]:
    """Return the hidden state and its reason as documents show them. An unknown state counts as not hidden."""
    return bool(row.is_minimized), row.minimized_reason if row.is_minimized else ""


@transaction.atomic
def store_review_threads(scope: Scope, answers: Answers, at: datetime) -> int:
    """Store which review comments belong to resolved threads. Returns the number of changed rows.

    ``at`` is the time when the threads were read.
    """
    pulls = list(_locked(PullRequest, scope, node_id__in=list(answers)))
    threads = list(_threads(answers))
    store_seen_accounts(row for thread in threads for row in actor_rows(thread.get("resolvedBy")))
    by_first = {first: thread for thread in threads if (first := _first(thread)) is not None}
    rows = list(_locked(ReviewComment, scope, pull_number__in=[pull.number for pull in pulls]))
    roots = {row.pk: row.in_reply_to_id or row.pk for row in rows}
    by_root = {roots.get(first, first): thread for first, thread in by_first.items()}
    changed = [row for row in rows if _set(row, by_root.get(roots[row.pk]), resolved_state)]
    ReviewComment.objects.bulk_update(changed, ["thread_node_id", "is_resolved", "resolved_by_id"])
    PullRequest.objects.filter(pk__in=[pull.pk for pull in pulls]).update(threads_read_at=at)
    return len(changed)


def _locked(model: type[models.Model], scope: Scope, **which: Any) -> Any:
    """Return rows of the repository, and lock them in the order of their primary keys."""
    of = model._default_manager.filter(repository_id=int(scope.external_id), **which)
    return of.order_by("pk").select_for_update()


def _set(row: Any, node: dict[str, Any] | None, convert: Any) -> bool:
    """Copy the states of a node to a row. Returns whether the row changed. Missing states do not change the row."""
    if node is None:
        return False
    state = {name: value for name, value in convert(node).items() if value is not None or name == "resolved_by_id"}
    if state.get("is_minimized") is None and state.get("is_resolved") is None:
        return False
    changed = any(getattr(row, name) != value for name, value in state.items())
    for name, value in state.items():
        setattr(row, name, value)
    return changed


def _threads(answers: Answers) -> Iterator[dict[str, Any]]:
    for pull in answers.values():
        yield from (node for node in ((pull or {}).get("reviewThreads") or {}).get("nodes") or () if node)


def _first(thread: Mapping[str, Any]) -> int | None:
    """Return the numeric id of the first comment of a thread, or None if it is missing."""
    nodes = (thread.get("comments") or {}).get("nodes") or ()
    number = str((nodes[0] or {}).get("fullDatabaseId") or "") if nodes else ""
    return int(number) if number.isdigit() else None


def _reindex_threads_of(names: Sequence[str], scope: Scope) -> None:
    """Request a re-index of the documents that contain these comments."""
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind=name.split(":")[1], scope_id=scope.pk)
        for name in threads_of("github", names)
    )
