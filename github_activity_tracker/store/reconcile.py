"""What is kept, to be compared with the source; and burying what is gone there."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from core.ingest.records import Page, PageResult
from core.ingest.values import Row
from core.models import Activity, Scope
from core.protocols import IncrementalState
from github_activity_tracker.convert import ThreadPage
from github_activity_tracker.models import (
    Account,
    Discussion,
    DiscussionComment,
    Issue,
    IssueComment,
    PullRequest,
    Review,
    ReviewComment,
    Timeline,
    TimelineEvent,
)
from github_activity_tracker.store.accounts import forget_written, store_seen_accounts
from github_activity_tracker.store.checkpoints import save_state
from github_activity_tracker.store.pages import store_page
from github_activity_tracker.store.threads import store_threads
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
DIFFERENT = """
    SELECT issue.number, issue.created_at, issue.comments_count, comments.stored
    FROM github_activity_tracker_issue AS issue
    JOIN LATERAL (
        SELECT count(*) AS stored FROM github_activity_tracker_issuecomment AS comment
        WHERE comment.repository_id = issue.repository_id AND comment.issue_number = issue.number
          AND comment.deleted_at IS NULL
    ) AS comments ON comments.stored <> issue.comments_count
    WHERE issue.repository_id = %s AND issue.deleted_at IS NULL ORDER BY issue.number
"""
PER_THREAD: tuple[tuple[str, type[models.Model], str], ...] = (
    ("issue_comments", IssueComment, "issue_number"), ("review_comments", ReviewComment, "pull_number"),
    ("reviews", Review, "pull_number"), ("events", TimelineEvent, "number"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentCount:
    """An issue or pull request with another number of live comments than GitHub says."""

    number: int
    created_at: datetime
    github: int
    stored: int


def live_threads(repository_id: int) -> dict[str, int]:
    """Return how many issues, pull requests and discussions are alive here."""
    kept = {name: len(live_numbers(repository_id, name)) for name in ("issues", "pulls")}
    return kept | {"discussions": Discussion.objects.filter(repository_id=repository_id, deleted_at=None).count()}


def live_numbers(repository_id: int, name: str) -> dict[int, datetime]:
    """Return the numbers of the live ``issues``, ``pulls`` or ``discussions``, and when each was opened."""
    if name == "discussions":
        rows: Any = Discussion.objects.filter(repository_id=repository_id, deleted_at=None)
    else:
        rows = Issue.objects.filter(repository_id=repository_id, is_pull_request=name == "pulls", deleted_at=None)
    return dict(rows.values_list("number", "created_at"))


def different_comment_counts(repository_id: int) -> list[CommentCount]:
    """Return the live issues and pull requests with more or fewer live comments than GitHub said with each."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENT, [repository_id])
        return [
            CommentCount(number=number, created_at=created_at, github=github, stored=stored)
            for number, created_at, github, stored in cursor.fetchall()
        ]


def comments_told(repository_id: int) -> int:
    """How many comments the live issues and pull requests have, as GitHub says with each."""
    alive = Issue.objects.filter(repository_id=repository_id, deleted_at=None)
    return alive.aggregate(told=models.Sum("comments_count"))["told"] or 0


def live_counts(repository_id: int, numbers: Collection[int]) -> dict[str, Counter[int]]:
    """Return how many live rows each of these issues and pull requests has, by stream and number; four statements."""
    return {stream: _count(model, number, repository_id, numbers) for stream, model, number in PER_THREAD}


def _count(model: type[models.Model], number: str, repository_id: int, numbers: Collection[int]) -> Counter[int]:
    rows = model._default_manager.filter(
        repository_id=repository_id, deleted_at=None, **{f"{number}__in": list(numbers)}
    )
    counted = rows.order_by().values_list(number).annotate(rows=models.Count("pk"))
    return Counter(dict(counted))


def live_discussion_counts(repository_id: int, numbers: Collection[int]) -> tuple[Counter[int], Counter[int]]:
    """Return the number of live comments by discussion, and the number of live replies by comment id."""
    alive = DiscussionComment.objects.filter(
        repository_id=repository_id, deleted_at=None, discussion_number__in=list(numbers)
    )
    comments = alive.filter(reply_to_id=None).order_by().values_list("discussion_number")
    replies = alive.exclude(reply_to_id=None).order_by().values_list("reply_to_id")
    counted = (Counter(dict(rows.annotate(rows=models.Count("pk")))) for rows in (comments, replies))
    return next(counted), next(counted)


def read_timelines(repository_id: int, numbers: Collection[int]) -> set[int]:
    """Return those of the numbers of which a timeline was read."""
    read = Timeline.objects.filter(repository_id=repository_id, number__in=list(numbers))
    return set(read.values_list("number", flat=True))


@transaction.atomic
def restore_thread(
    scope: Scope, posts: Mapping[str, Page], thread: ThreadPage, *, stream: str, now: datetime
) -> dict[str, PageResult]:
    """Write an issue or pull request that was missing or marked deleted, with all that belongs to it; all or nothing.

    ``posts`` has the pages of ``issues``, ``issue_comments`` and ``review_comments``. Timeline entries and documents
    that were marked deleted are live again. Returns what was done by stream.
    """
    models_of = {"issues": Issue, "issue_comments": IssueComment, "review_comments": ReviewComment}
    done = {
        name: store_page(models_of[name], page, scope=scope, stream=name, state=None) for name, page in posts.items()
    }
    if thread.timelines:
        done |= store_threads(thread, scope=scope, stream=stream, state=None, now=now)
    return done


@transaction.atomic
def store_page_again(
    model: type[models.Model], page: Page, *, scope: Scope, stream: str, place: str, state: IncrementalState
) -> PageResult:
    """Write a page of a list that is read once more, with a checkpoint of its own under the name ``place``."""
    stored = store_page(model, page, scope=scope, stream=stream, state=None)
    save_state(int(scope.external_id), place, state)
    return stored


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
    """Return node ids and ids of the accounts that did something in this repository, also of those that are gone."""
    wrote = Activity.objects.filter(scope__source_system="github", scope__external_id=str(repository_id))
    ids = [int(pk) for pk in wrote.exclude(actor_external_id="").values_list("actor_external_id", flat=True).distinct()]
    known = Account.objects.filter(pk__in=ids).exclude(node_id="")
    return dict(known.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def store_account_changes(rows: Sequence[Row], gone: Sequence[int], now: datetime) -> int:
    """Store renamed accounts, and mark those that GitHub no longer has; returns how many were not marked before.

    What a missing account did stays under its name: GitHub also hides accounts for a time, and shows them again.
    """
    store_seen_accounts(rows)
    if not gone:
        return 0
    forget_written()
    return bury(Account, gone, now)
