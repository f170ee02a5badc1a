"""Tests of lists in pull requests that GitHub truncates or withholds.

An incomplete list never replaces a stored list, and a later run collects the complete list.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import QuerySet

from core.models import SkippedItem
from github_activity_tracker.models import PullRequest, ReviewComment
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_withheld import collect as collect
from github_activity_tracker.tests.test_withheld import open_skips
from github_activity_tracker.tests.test_withheld import pytestmark as pytestmark
from github_activity_tracker.tests.test_withheld import server as server
from tests.support.github_twin import SPARSE, Twin

PULLS = ("--streams", "pulls")
STATES = ("--streams", "review_comments,pulls,comment_states")
NAMES = {"reviewRequests": "review_requests", "closingIssuesReferences": "closes"}


def request_reviews(item: Any) -> None:
    """Add two requested reviewers to a recorded pull request, because some recorded pull requests have none."""
    if item.get("pull") and item["user"]:
        item["pull"]["requested_reviewers"] = [item["user"], item["user"]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("reviewers-twin"), SPARSE, change=request_reviews)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def closing(server: Twin) -> None:
    """Edit three pull requests, so that merging each of them closes two issues."""
    truth = server.truth()
    first, second = truth["issues"]["numbers"][:2]
    for number in truth["pulls"]["numbers"][:3]:
        body = f"Fixes #{first}, closes #{second}"
        server.call("mutate", {"op": "edit_item", "repo": server.name, "number": number, "body": body})


def lists_of(column: str) -> dict[int, Any]:
    return {number: one for number, one in PullRequest.objects.values_list("number", column) if one}


def resolvable() -> "QuerySet[ReviewComment]":
    return ReviewComment.objects.filter(deleted_at=None).exclude(is_resolved=None)


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("kind", ["graphql_starved", "graphql_null"])
def test_a_list_of_a_pull_request_that_is_cut_leaves_the_stored_one(
    server: Twin, collect: Collect, name: str, kind: str
) -> None:
    collect(*PULLS)
    before = lists_of(NAMES[name])
    assert before
    rule = {"kind": kind, "at": rf"{name}$", "limit": 10_000, "type": None}
    server.call("faults", {"rules": [rule]})
    assert collect(*PULLS, "--full")["outcome"] == "partial"
    assert lists_of(NAMES[name]) == before
    assert open_skips() == {"incomplete"}
    server.call("faults", {"rules": []})
    assert collect(*PULLS)["outcome"] == "succeeded"
    assert lists_of(NAMES[name]) == before
    assert open_skips() == set()


@pytest.mark.parametrize("name", list(NAMES))
def test_a_list_that_is_cut_from_the_beginning_comes_with_the_next_run(
    server: Twin, collect: Collect, name: str
) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_starved", "at": rf"{name}$", "limit": 10_000}]})
    assert collect(*PULLS)["outcome"] == "partial"
    assert not lists_of(NAMES[name])
    server.call("faults", {"rules": []})
    assert collect(*PULLS)["outcome"] == "succeeded"
    assert lists_of(NAMES[name])
    assert not SkippedItem.objects.filter(cleared_at=None).exists()


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        (r"reviewRequests\.nodes\.0$", "FORBIDDEN"),
        (r"reviewRequests\.nodes\.1\.requestedReviewer$", "NOT_FOUND"),
        (r"closingIssuesReferences\.nodes\.0$", "FORBIDDEN"),
    ],
)
def test_a_member_that_is_withheld_leaves_the_stored_list(server: Twin, collect: Collect, at: str, kind: str) -> None:
    collect(*PULLS)
    before = [lists_of(column) for column in NAMES.values()]
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "type": kind, "limit": 10_000}]})
    assert collect(*PULLS, "--full")["outcome"] == "partial"
    assert [lists_of(column) for column in NAMES.values()] == before
    server.call("faults", {"rules": []})
    assert collect(*PULLS)["outcome"] == "succeeded"
    assert [lists_of(column) for column in NAMES.values()] == before
    assert open_skips() == set()


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("graphql_starved", r"reviewThreads$"),
        ("graphql_null", r"reviewThreads$"),
        ("graphql_starved", r"reviewThreads\.nodes\.\d+\.comments$"),
    ],
)
def test_review_threads_that_are_cut_are_a_skip_until_they_arrive(
    server: Twin, collect: Collect, kind: str, at: str
) -> None:
    collect(*STATES)
    count = resolvable().count()
    assert count
    ReviewComment.objects.update(is_resolved=None, thread_node_id="")
    PullRequest.objects.update(threads_read_at=None)
    rule = {"kind": kind, "at": at, "limit": 10_000, "type": None}
    server.call("faults", {"rules": [rule]})
    result = collect(*STATES)
    assert result["outcome"] == "partial"
    assert not resolvable().exists()
    assert set(SkippedItem.objects.filter(cleared_at=None).values_list("stream", flat=True)) == {"comment_states"}
    server.call("faults", {"rules": []})
    assert collect(*STATES)["outcome"] == "succeeded"
    assert resolvable().count() == count
    assert open_skips() == set()
