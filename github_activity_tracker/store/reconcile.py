"""What is kept, to be compared with the source; and burying what is gone there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from core.models import Activity, Document, Scope
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert import Row
from github_activity_tracker.models import (
    Account,
    AuthorEmail,
    Commit,
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    PullRequest,
    Release,
    Review,
    ReviewComment,
    Timeline,
    TimelineEvent,
)
from github_activity_tracker.store.accounts import store_seen_accounts
from github_activity_tracker.store.tombstones import (
    bury,
    bury_activities,
    bury_thread_activities,
    drop_documents,
    mark_threads,
)

POSTS: dict[str, tuple[type[models.Model], str]] = {
    "issue_comments": (IssueComment, "issue_number"),
    "review_comments": (ReviewComment, "pull_number"),
    "discussions": (Discussion, "number"),
    "discussion_comments": (DiscussionComment, "discussion_number"),
}
TOO_MANY = """
    SELECT issue.number FROM github_activity_tracker_issue AS issue
    JOIN LATERAL (
        SELECT count(*) AS kept FROM github_activity_tracker_issuecomment AS comment
        WHERE comment.repository_id = issue.repository_id AND comment.issue_number = issue.number
          AND comment.deleted_at IS NULL
    ) AS comments ON comments.kept > issue.comments_count
    WHERE issue.repository_id = %s AND issue.deleted_at IS NULL
"""
HELD = """
    SELECT number, entries,
        (SELECT count(*) FROM github_activity_tracker_issuecomment AS c
         WHERE c.repository_id = t.repository_id AND c.issue_number = t.number AND c.deleted_at IS NULL),
        (SELECT count(*) FROM github_activity_tracker_review AS r
         WHERE r.repository_id = t.repository_id AND r.pull_number = t.number AND r.deleted_at IS NULL),
        (SELECT count(*) FROM github_activity_tracker_reviewcomment AS rc
         WHERE rc.repository_id = t.repository_id AND rc.pull_number = t.number AND rc.deleted_at IS NULL)
    FROM github_activity_tracker_timeline AS t WHERE repository_id = %s
"""


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept of one issue or pull request; ``entries`` is what GitHub said of its timeline."""

    number: int
    entries: int
    comments: int
    reviews: int
    remarks: int


def live_threads(repository_id: int) -> dict[str, int]:
    """How many issues, pull requests and discussions are alive here."""
    kept = {name: len(live_numbers(repository_id, name)) for name in ("issues", "pulls")}
    return kept | {"discussions": Discussion.objects.filter(repository_id=repository_id, deleted_at=None).count()}


def live_numbers(repository_id: int, name: str) -> set[int]:
    """Numbers of the live ``issues`` or ``pulls``."""
    alive = Issue.objects.filter(repository_id=repository_id, is_pull_request=name == "pulls", deleted_at=None)
    return set(alive.values_list("number", flat=True))


def threads_with_too_many_comments(repository_id: int) -> list[int]:
    """Numbers of those that hold more comments here than GitHub says: some must have been deleted."""
    with connection.cursor() as cursor:
        cursor.execute(TOO_MANY, [repository_id])
        return [row[0] for row in cursor.fetchall()]


def comments_told(repository_id: int) -> int:
    """How many comments the live issues and pull requests have, as GitHub says with each."""
    alive = Issue.objects.filter(repository_id=repository_id, deleted_at=None)
    return alive.aggregate(told=models.Sum("comments_count"))["told"] or 0


def held(repository_id: int) -> dict[int, Held]:
    """How much is kept of each issue and pull request, by number."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [repository_id])
        return {row[0]: Held(*row) for row in cursor.fetchall()}


def node_ids(repository_id: int, stream: str, numbers: Sequence[int] | None) -> dict[str, int]:
    """Node ids of the live posts under these numbers (or under all), and their numeric ids."""
    model, number = POSTS[stream]
    rows = model._default_manager.filter(repository_id=repository_id, deleted_at=None).exclude(node_id="")
    if numbers is not None:
        rows = rows.filter(**{f"{number}__in": list(numbers)})
    return dict(rows.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def bury_posts(scope: Scope, stream: str, keys: Sequence[int], now: datetime) -> None:
    """Bury comments; the documents in which they stood show them no more."""
    model, number = POSTS[stream]
    rows = model._default_manager.filter(pk__in=keys, deleted_at=None)
    numbers = set(rows.values_list(number, flat=True))
    bury(model, keys, now)
    kind = stream.removesuffix("s")
    bury_activities((f"github:{kind}:{key}" for key in keys), now)
    if stream == "discussion_comments":
        mark_threads("discussion", numbers, scope)
    else:
        _mark(scope, numbers)


@transaction.atomic
def bury_discussions(scope: Scope, keys: Sequence[int], now: datetime) -> None:
    """Bury discussions with everything that was said in them."""
    of: dict[str, Any] = {"repository_id": int(scope.external_id), "deleted_at": None}
    numbers = list(Discussion.objects.filter(pk__in=keys, **of).values_list("number", flat=True))
    Discussion.objects.filter(pk__in=keys, **of).update(deleted_at=now)
    DiscussionComment.objects.filter(discussion_number__in=numbers, **of).update(deleted_at=now)
    bury_thread_activities([f"github:discussion:{scope.external_id}:{number}" for number in numbers], now)
    drop_documents("discussion", numbers, scope, now)


def _mark(scope: Scope, numbers: Collection[int]) -> None:
    """Mark the documents of issues and pull requests alike."""
    issues = Issue.objects.filter(repository_id=int(scope.external_id), number__in=numbers, deleted_at=None)
    pulls = set(issues.filter(is_pull_request=True).values_list("number", flat=True))
    others = set(issues.filter(is_pull_request=False).values_list("number", flat=True))
    mark_threads("pull_request", pulls, scope)
    mark_threads("issue", others, scope)


@transaction.atomic
def bury_thread(scope: Scope, kind: str, number: int, *, moved_to: str, now: datetime) -> None:
    """Bury an issue or pull request with everything under it."""
    of = {"repository_id": int(scope.external_id), "deleted_at": None}
    Issue.objects.filter(number=number, **of).update(deleted_at=now, transferred_to=moved_to)
    PullRequest.objects.filter(number=number, **of).update(deleted_at=now)
    IssueComment.objects.filter(issue_number=number, **of).update(deleted_at=now)
    Review.objects.filter(pull_number=number, **of).update(deleted_at=now)
    ReviewComment.objects.filter(pull_number=number, **of).update(deleted_at=now)
    TimelineEvent.objects.filter(number=number, **of).update(deleted_at=now)
    Timeline.objects.filter(number=number, repository_id=int(scope.external_id)).delete()
    bury_thread_activities([f"github:{kind}:{scope.external_id}:{number}"], now)
    drop_documents(kind, [number], scope, now)


def account_node_ids(repository_id: int) -> dict[str, int]:
    """Node ids and ids of the living accounts that did something in this repository."""
    wrote = Activity.objects.filter(scope__source_system="github", scope__external_id=str(repository_id))
    ids = [int(pk) for pk in wrote.exclude(actor_external_id="").values_list("actor_external_id", flat=True).distinct()]
    alive = Account.objects.filter(pk__in=ids, deleted_at=None).exclude(node_id="")
    return dict(alive.order_by("pk").values_list("node_id", "pk"))


OWNED: tuple[tuple[type[models.Model], str], ...] = (
    (Issue, "author"), (IssueComment, "author"), (ReviewComment, "author"), (Review, "author"), (Release, "author"),
    (Discussion, "author"), (DiscussionComment, "author"), (Commit, "author"), (TimelineEvent, "actor"),
    (PullRequest, "merged_by"), (AuthorEmail, "account"),
)  # fmt: skip
"""What points to accounts. What a deleted account did is shown as nobody's, as GitHub shows it."""


@transaction.atomic
def store_account_changes(rows: Sequence[Row], gone: Sequence[int], now: datetime) -> None:
    """Keep renamed accounts, and bury those that are gone: what they did becomes nobody's here as on GitHub."""
    store_seen_accounts(rows)
    if not gone:
        return
    bury(Account, gone, now)
    for model, name in OWNED:
        model._default_manager.filter(**{f"{name}_id__in": list(gone)}).update(**{f"{name}_id": None})
    theirs = Activity.objects.filter(source_system="github", actor_external_id__in=[str(pk) for pk in gone])
    _mark_theirs(theirs)
    theirs.update(actor_external_id="", actor_name="ghost")


def _mark_theirs(theirs: Any) -> None:
    """Mark the documents in which they speak."""
    threads = theirs.values_list("thread", flat=True).distinct()
    documents = Document.objects.filter(source_system="github", external_id__in=threads, deleted_at=None)
    mark_changed(
        DocumentMark(source_system="github", external_id=name, kind=kind, scope_id=scope)
        for name, kind, scope in documents.values_list("external_id", "kind", "scope_id")
    )
