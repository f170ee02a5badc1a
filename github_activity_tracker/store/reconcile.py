"""Counts stored rows for the comparison with GitHub, stores missing rows, and marks deleted rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from core.ingest.records import Page, PageResult
from core.ingest.timeline import accounts_in_scope
from core.ingest.values import Row
from core.models import Scope
from core.protocols import IncrementalState
from core.search.documents import DocumentMark, mark_changed
from github_activity_tracker.convert.threads import ThreadPage
from github_activity_tracker.models import (
    Account,
    CommitComment,
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
from github_activity_tracker.store.pages import (
    drop_documents,
    mark_activities_deleted,
    mark_rows_deleted,
    mark_thread_activities_deleted,
    reindex_threads,
    save_state,
    store_page,
)
from github_activity_tracker.store.threads import store_threads

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
    """An issue or pull request with a different number of comments on GitHub and in the database."""

    number: int
    created_at: datetime
    github: int
    stored: int


def live_threads(repository_id: int) -> dict[str, int]:
    """Return the number of live issues, pull requests and discussions, by kind."""
    counts = {name: len(live_numbers(repository_id, name)) for name in ("issues", "pulls")}
    return counts | {"discussions": Discussion.objects.filter(repository_id=repository_id, deleted_at=None).count()}


def live_numbers(repository_id: int, name: str) -> dict[int, datetime]:
    """Return the numbers of the live ``issues``, ``pulls`` or ``discussions`` with their creation times."""
    if name == "discussions":
        rows: Any = Discussion.objects.filter(repository_id=repository_id, deleted_at=None)
    else:
        rows = Issue.objects.filter(repository_id=repository_id, is_pull_request=name == "pulls", deleted_at=None)
    return dict(rows.values_list("number", "created_at"))


def different_comment_counts(repository_id: int) -> list[CommentCount]:
    """Return the live issues and pull requests with a number of live comments that differs from ``comments_count``."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENT, [repository_id])
        return [
            CommentCount(number=number, created_at=created_at, github=github, stored=stored)
            for number, created_at, github, stored in cursor.fetchall()
        ]


def count_comments(repository_id: int) -> int:
    """Return the sum of the comment counts of the live issues and pull requests."""
    alive = Issue.objects.filter(repository_id=repository_id, deleted_at=None)
    return alive.aggregate(total=models.Sum("comments_count"))["total"] or 0


def live_counts(repository_id: int, numbers: Collection[int]) -> dict[str, Counter[int]]:
    """Count the live rows of these issues and pull requests. Returns the counts by stream, then by issue number.

    Sends four queries.
    """
    return {stream: _count(model, number, repository_id, numbers) for stream, model, number in PER_THREAD}


def _count(model: type[models.Model], number: str, repository_id: int, numbers: Collection[int]) -> Counter[int]:
    rows = model._default_manager.filter(
        repository_id=repository_id, deleted_at=None, **{f"{number}__in": list(numbers)}
    )
    counted = rows.order_by().values_list(number).annotate(rows=models.Count("pk"))
    return Counter(dict(counted))


def live_discussion_counts(repository_id: int, numbers: Collection[int]) -> tuple[Counter[int], Counter[int]]:
    """Count the live comments by discussion number, and the live replies by the id of their parent comment."""
    alive = DiscussionComment.objects.filter(
        repository_id=repository_id, deleted_at=None, discussion_number__in=list(numbers)
    )
    comments = alive.filter(reply_to_id=None).order_by().values_list("discussion_number")
    replies = alive.exclude(reply_to_id=None).order_by().values_list("reply_to_id")
    counted = (Counter(dict(rows.annotate(rows=models.Count("pk")))) for rows in (comments, replies))
    return next(counted), next(counted)


def read_timelines(repository_id: int, numbers: Collection[int]) -> set[int]:
    """Return the numbers of the issues and pull requests with a stored timeline."""
    read = Timeline.objects.filter(repository_id=repository_id, number__in=list(numbers))
    return set(read.values_list("number", flat=True))


@transaction.atomic
def restore_thread(
    scope: Scope, posts: Mapping[str, Page], thread: ThreadPage, *, stream: str, now: datetime
) -> dict[str, PageResult]:
    """Write an issue or pull request that was missing or marked as deleted, with all its rows, in one transaction.

    ``posts`` has the pages of ``issues``, ``issue_comments`` and ``review_comments``. Activities and documents that
    were marked as deleted are restored. Returns the results by stream.
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
    """Write a page of a list that is read again.

    The position is saved in the checkpoint ``place``, so that the regular checkpoint of the stream does not change.
    """
    stored = store_page(model, page, scope=scope, stream=stream, state=None)
    save_state(int(scope.external_id), place, state)
    return stored


def node_ids(repository_id: int, stream: str, numbers: Sequence[int] | None) -> dict[str, int]:
    """Return the numeric ids of live posts by node id.

    ``numbers`` contains numbers of issues, pull requests or discussions. With None, all posts of the repository are
    returned.
    """
    model, number = POSTS[stream]
    rows = model._default_manager.filter(repository_id=repository_id, deleted_at=None).exclude(node_id="")
    if numbers is not None:
        rows = rows.filter(**{f"{number}__in": list(numbers)})
    return dict(rows.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def mark_posts_deleted(scope: Scope, stream: str, keys: Sequence[int], now: datetime) -> None:
    """Mark comments as deleted, and request a re-index of the documents that contain them."""
    model, number = POSTS[stream]
    rows = model._default_manager.filter(pk__in=keys, deleted_at=None)
    numbers = set(rows.values_list(number, flat=True))
    mark_rows_deleted(model, keys, now)
    kind = stream.removesuffix("s")
    mark_activities_deleted((f"github:{kind}:{key}" for key in keys), now)
    if stream == "discussion_comments":
        reindex_threads("discussion", numbers, scope)
    else:
        _reindex_issues_and_pulls(scope, numbers)


@transaction.atomic
def mark_discussions_deleted(scope: Scope, keys: Sequence[int], now: datetime) -> None:
    """Mark discussions and all their comments as deleted, and remove their documents from the index."""
    of: dict[str, Any] = {"repository_id": int(scope.external_id), "deleted_at": None}
    numbers = list(Discussion.objects.filter(pk__in=keys, **of).values_list("number", flat=True))
    Discussion.objects.filter(pk__in=keys, **of).update(deleted_at=now)
    DiscussionComment.objects.filter(discussion_number__in=numbers, **of).update(deleted_at=now)
    mark_thread_activities_deleted([f"github:discussion:{scope.external_id}:{number}" for number in numbers], now)
    drop_documents("discussion", numbers, scope, now)


def _reindex_issues_and_pulls(scope: Scope, numbers: Collection[int]) -> None:
    """Request a re-index of the documents of issues and pull requests."""
    issues = Issue.objects.filter(repository_id=int(scope.external_id), number__in=numbers, deleted_at=None)
    pulls = set(issues.filter(is_pull_request=True).values_list("number", flat=True))
    others = set(issues.filter(is_pull_request=False).values_list("number", flat=True))
    reindex_threads("pull_request", pulls, scope)
    reindex_threads("issue", others, scope)


@transaction.atomic
def mark_thread_deleted(scope: Scope, kind: str, number: int, *, moved_to: str, now: datetime) -> None:
    """Mark an issue or pull request and all its rows as deleted, and remove its document from the index.

    ``moved_to`` is the new URL of a transferred issue, or an empty string.
    """
    of = {"repository_id": int(scope.external_id), "deleted_at": None}
    Issue.objects.filter(number=number, **of).update(deleted_at=now, transferred_to=moved_to)
    PullRequest.objects.filter(number=number, **of).update(deleted_at=now)
    IssueComment.objects.filter(issue_number=number, **of).update(deleted_at=now)
    Review.objects.filter(pull_number=number, **of).update(deleted_at=now)
    ReviewComment.objects.filter(pull_number=number, **of).update(deleted_at=now)
    TimelineEvent.objects.filter(number=number, **of).update(deleted_at=now)
    Timeline.objects.filter(number=number, repository_id=int(scope.external_id)).delete()
    mark_thread_activities_deleted([f"github:{kind}:{scope.external_id}:{number}"], now)
    drop_documents(kind, [number], scope, now)


def account_node_ids(repository_id: int) -> dict[str, int]:
    """Return the ids of the accounts with activities in this repository, by node id. Deleted accounts are included."""
    known = Account.objects.filter(pk__in=accounts_in_scope("github", str(repository_id))).exclude(node_id="")
    return dict(known.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def store_account_changes(rows: Sequence[Row], gone: Sequence[int], now: datetime) -> int:
    """Store renamed accounts, and mark the accounts in ``gone`` as deleted. Returns how many were newly marked.

    The activities of a deleted account keep its login, because GitHub may have hidden the account only temporarily.
    """
    store_seen_accounts(rows)
    if not gone:
        return 0
    forget_written()
    return mark_rows_deleted(Account, gone, now)


def live_commit_comments(repository_id: int) -> dict[str, int]:
    """Return the ids of the live comments on commits, by node id."""
    rows = CommitComment.objects.filter(repository_id=repository_id, deleted_at=None)
    return dict(rows.order_by("pk").values_list("node_id", "pk"))


@transaction.atomic
def delete_commit_comments(scope: Scope, keys: Sequence[int], now: datetime) -> int:
    """Mark comments on commits and their activities as deleted, and request a re-index of the commits.

    Returns the number of comments that were live.
    """
    rows = CommitComment.objects.filter(pk__in=keys, deleted_at=None)
    shas = set(rows.values_list("commit_sha", flat=True))
    deleted = mark_rows_deleted(CommitComment, keys, now)
    mark_activities_deleted((f"github:commit_comment:{key}" for key in keys), now)
    reindex_commits(shas, scope)
    return deleted


def reindex_commits(shas: Iterable[str], scope: Scope) -> None:
    """Request a re-index of the documents of commits."""
    mark_changed(
        DocumentMark(
            source_system="github", external_id=f"github:commit:{scope.external_id}:{sha}", kind="commit",
            scope_id=scope.pk,
        )
        for sha in shas
    )  # fmt: skip
