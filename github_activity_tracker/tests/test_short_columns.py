"""Lists inside of pull requests that GitHub cuts in silence never replace what is stored, and come with a later run."""

from typing import Any

import pytest
from django.db.models import QuerySet

from core.models import SkippedItem
from github_activity_tracker.models import PullRequest, Repository, ReviewComment
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_withheld import collect as collect
from github_activity_tracker.tests.test_withheld import open_skips
from github_activity_tracker.tests.test_withheld import pytestmark as pytestmark
from github_activity_tracker.tests.test_withheld import server as server
from github_activity_tracker.tests.test_withheld import small as small
from github_activity_tracker.tests.twin import Twin

PULLS = ("--streams", "pulls")
STATES = ("--streams", "review_comments,pulls,comment_states")
NAMES = {"reviewRequests": "review_requests", "closingIssuesReferences": "closes"}


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


def test_topics_that_are_cut_leave_the_stored_ones(server: Twin, collect: Collect) -> None:
    server.call("mutate", {"op": "set_repo", "repo": server.name, "topics": ["one", "two"]})
    collect(*PULLS)
    topics = Repository.objects.get().topics
    assert topics == ["one", "two"]
    server.call("faults", {"rules": [{"kind": "graphql_starved", "at": r"repositoryTopics$"}]})
    collect(*PULLS)
    assert Repository.objects.get().topics == topics
