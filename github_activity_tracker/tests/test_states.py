"""Tests of changes that do not change ``updated_at`` of an issue or pull request.

These are comments on commits, hidden comments and resolved review threads.
"""

from typing import Any

import pytest

from core.models import Activity, Document
from github_activity_tracker.collector import states
from github_activity_tracker.documents import GitHubDocuments, bodies, lines, notes
from github_activity_tracker.fetch import etag_lists
from github_activity_tracker.fetch import states as fetched_states
from github_activity_tracker.models import CommitComment, IssueComment, Review, ReviewComment
from github_activity_tracker.tests.test_collect import Collect
from samples.community.model import ReviewComment as SampleReviewComment
from samples.server import SampleServer
from samples.shapes.accounts import node_id

pytestmark = pytest.mark.django_db(transaction=True)
SHA, OTHER = "a" * 40, "b" * 64


def sample(server: SampleServer) -> Any:
    return server.community.repository(server.truth()["full_name"])


def stored_bodies() -> dict[int, str | None]:
    return dict(CommitComment.objects.filter(deleted_at=None).values_list("pk", "body"))


def count_requests(server: SampleServer, what: str) -> int:
    return sum(what in request.path for request in server.requests)


def passages(external_id: str) -> list[Any]:
    (document,) = GitHubDocuments().render([external_id])
    return list(document.passages)


def test_a_repository_without_commit_comments_costs_no_request(server: SampleServer, collect: Collect) -> None:
    collect()
    assert count_requests(server, "/comments?per_page=100&page=1") == count_requests(
        server, "/issues/comments?per_page=100&page=1"
    )


def test_commit_comments_come_change_and_go(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = server.add_commit_comment(SHA, "Why this?", path="a.py", line=3)
    others = [server.add_commit_comment(OTHER, f"Number {place}") for place in range(5)]
    monkeypatch.setattr(etag_lists, "PER_PAGE", 2)  # so that the last page is full
    collect("--streams", "commit_comments")
    assert set(stored_bodies()) == {first, *others}
    row = CommitComment.objects.get(pk=first)
    assert (row.commit_sha, row.path, row.line) == (SHA, "a.py", 3)
    activity = Activity.objects.get(external_id=f"github:commit_comment:{first}")
    thread = activity.thread
    assert (activity.activity_type, thread) == ("github.commit_comment", f"github:commit:{row.repository_id}:{SHA}")
    assert lines([activity])[activity.external_id].did == "commented on"
    assert bodies([activity.external_id]) == {activity.external_id: "Why this?"}
    assert "Why this?" in [passage.text for passage in passages(thread)]
    assert Document.objects.filter(external_id=thread, kind="commit").exists()

    server.reset_log()
    new = server.add_commit_comment(SHA, "One more")  # the full page stays the same, and a new page follows
    collect("--streams", "commit_comments")
    assert new in stored_bodies()
    assert count_requests(server, "page=1&") + count_requests(server, "page=1 ") <= 1

    server.edit_commit_comment(others[0], "Edited")
    server.delete_commit_comment(others[1])
    collect("--streams", "commit_comments", "--reconcile")
    assert stored_bodies()[others[0]] == "Edited"
    assert set(stored_bodies()) == {first, new, *others} - {others[1]}
    assert Activity.objects.get(external_id=f"github:commit_comment:{others[1]}").deleted_at

    before = list(CommitComment.objects.order_by("pk").values_list())
    collect("--streams", "commit_comments", "--reconcile")
    assert list(CommitComment.objects.order_by("pk").values_list()) == before


def test_hidden_comments_are_known_for_what_changed_and_cost_nothing_at_first(
    server: SampleServer, collect: Collect
) -> None:
    result = collect()
    assert result["counts"].get("comment_state_requests", 0) == 0
    number = next(n for n, issue in sample(server).issues.items() if issue.pull is None)
    new = server.add_comment(number, "Buy now!", at="2030-01-01T00:00:00Z")
    server.hide(node_id("IC", sample(server).id, new), "SPAM")
    result = collect()
    row = IssueComment.objects.get(pk=new)
    assert (row.is_minimized, row.minimized_reason) == (True, "SPAM")
    assert result["counts"]["comment_state_requests"] >= 1
    thread = Activity.objects.get(external_id=f"github:issue_comment:{new}").thread
    assert "hidden as spam" in [passage.heading for passage in passages(thread)]
    assert notes([f"github:issue_comment:{new}"]) == {f"github:issue_comment:{new}": "hidden as spam"}

    server.show(node_id("IC", sample(server).id, new))
    collect("--reconcile")
    row.refresh_from_db()
    assert (row.is_minimized, row.minimized_reason) == (False, "")
    assert all(passage.heading == "" for passage in passages(thread) if passage.text == "Buy now!")


def test_resolved_threads_reach_every_comment_of_the_thread(server: SampleServer, collect: Collect) -> None:
    remarks: dict[int, SampleReviewComment] = sample(server).review_comments
    first = next(one for one in remarks.values() if not one.in_reply_to_id)
    reply = server.add_review_comment(first.number, "Done.", in_reply_to=first.id)
    server.resolve(first.id)
    server.hide(node_id("PRRC", sample(server).id, reply), "RESOLVED")
    collect()
    collect("--streams", "comment_states")
    rows = ReviewComment.objects.filter(pk__in=[first.id, reply])
    assert {row.is_resolved for row in rows} == {True}
    assert len({row.thread_node_id for row in rows}) == 1
    assert all(row.resolved_by for row in rows)
    assert notes([f"github:review_comment:{reply}"]).popitem()[1] == "hidden as resolved, resolved"
    server.reopen_thread(reply)
    collect("--reconcile", "--streams", "comment_states")
    assert {(row.is_resolved, row.resolved_by_id) for row in rows.all()} == {(False, None)}
    assert not ReviewComment.objects.filter(is_resolved=None, deleted_at=None).exists()


def test_hidden_reviews_come_with_their_list(server: SampleServer, collect: Collect) -> None:
    collect()
    review = Review.objects.filter(deleted_at=None).first()
    assert review is not None
    assert review.is_minimized is False
    server.hide(review.node_id, "OUTDATED")
    collect("--full", "--streams", "pulls")
    review.refresh_from_db()
    assert (review.is_minimized, review.minimized_reason) == (True, "OUTDATED")


def test_an_interrupted_reading_of_states_continues_behind_what_is_stored(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    monkeypatch.setattr(fetched_states, "PER_QUERY", 20)
    monkeypatch.setattr(states, "AT_ONCE", 40)
    left = [IssueComment.objects.filter(state_read_at=None).count()]
    for _ in range(40):
        result = collect("--streams", "comment_states", "--max-requests", "6")
        left.append(
            IssueComment.objects.filter(state_read_at=None).count()
            + ReviewComment.objects.filter(thread_node_id="", deleted_at=None).count()
        )
        if result["outcome"] == "succeeded":
            break
    assert result["outcome"] == "succeeded"
    assert left[-1] == 0
    assert not ReviewComment.objects.filter(is_minimized=None, deleted_at=None).exists()
