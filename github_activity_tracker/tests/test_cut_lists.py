"""Tests of a list for which GitHub returns no items and no error. The list must not count as empty."""

import pytest

from core.models import SkippedItem
from github_activity_tracker.models import Issue, PullRequest
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_withheld import collect as collect
from github_activity_tracker.tests.test_withheld import is_complete
from github_activity_tracker.tests.test_withheld import pytestmark as pytestmark
from github_activity_tracker.tests.test_withheld import server as server
from github_activity_tracker.tests.test_withheld import small as small
from tests.support.github_twin import Twin


@pytest.mark.parametrize(("name", "stream"), [("pullRequests", "pulls"), ("issues", "issue_timelines")])
def test_a_list_that_is_cut_fails_and_comes_with_the_next_run(
    server: Twin, collect: Collect, name: str, stream: str
) -> None:
    rule = {"kind": "graphql_starved", "at": rf"^node\.{name}$", "query": "UPDATED_AT"}
    server.call("faults", {"rules": [rule]})
    assert collect()["outcome"] == "partial"
    assert set(SkippedItem.objects.filter(cleared_at=None).values_list("stream", flat=True)) == {stream}
    server.call("faults", {"rules": []})
    assert collect()["outcome"] == "succeeded"
    assert is_complete(server, collect)


def test_totals_that_are_cut_are_no_reason_to_ask_for_every_item(server: Twin, collect: Collect) -> None:
    collect()
    stored = Issue.objects.count()
    assert stored > 40
    rule = {"kind": "graphql_starved", "at": r"^node\.(issues|pullRequests)$", "query": "CREATED_AT"}
    server.call("faults", {"rules": [rule]})
    result = collect("--reconcile")
    assert result["outcome"] == "partial"
    assert result["counts"]["reconcile_requests"] < 10
    assert Issue.objects.filter(deleted_at=None).count() == stored
    assert PullRequest.objects.filter(deleted_at=None).exists()
    server.call("faults", {"rules": []})
    assert collect("--reconcile")["outcome"] == "succeeded"
