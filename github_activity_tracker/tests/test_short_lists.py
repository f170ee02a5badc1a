"""Tests of lists of topics and labels that GitHub truncates without an error.

A truncated list never replaces a stored list.
"""

from collections.abc import Callable
from typing import Any

import pytest

from core.models import SkippedItem
from github_activity_tracker.models import Discussion, Repository
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_discussions import server as sample_server
from github_activity_tracker.tests.test_isolation import Spoil
from github_activity_tracker.tests.test_isolation import spoil as spoil
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
server = sample_server
Change = Callable[[Any], Any]


def with_lists(name: str, value: object) -> Change:
    """Return a function that replaces the value of every key ``name`` in a response."""

    def change(part: Any) -> Any:
        if isinstance(part, list):
            return [change(member) for member in part]
        if isinstance(part, dict):
            return {key: value if key == name else change(member) for key, member in part.items()}
        return part

    return change


@pytest.mark.parametrize("cut", [{"totalCount": 2, "nodes": [{"topic": {"name": "one"}}]}, None])
def test_topics_that_are_cut_leave_the_stored_ones(
    server: SampleServer, collect: Collect, spoil: Spoil, cut: object
) -> None:
    del server
    topics = {"totalCount": 2, "nodes": [{"topic": {"name": "one"}}, {"topic": {"name": "two"}}]}
    labels = ("--streams", "labels")
    spoil("repositoryTopics", with_lists("repositoryTopics", topics))
    collect(*labels)
    assert Repository.objects.get().topics == ["one", "two"]
    spoil("repositoryTopics", with_lists("repositoryTopics", cut))
    collect(*labels)
    assert Repository.objects.get().topics == ["one", "two"]
    spoil("repositoryTopics", with_lists("repositoryTopics", {"totalCount": 0, "nodes": []}))
    collect(*labels)
    assert Repository.objects.get().topics == []


@pytest.mark.parametrize("arrived", [[], [{"name": "one"}], None])
def test_labels_of_discussions_that_are_cut_leave_the_stored_ones_and_are_a_skip(
    server: SampleServer, collect: Collect, spoil: Spoil, arrived: list[Any] | None
) -> None:
    del server
    end = {"hasNextPage": False, "endCursor": None}
    both = {"totalCount": 2, "nodes": [{"name": "one"}, {"name": "two"}], "pageInfo": end}
    discussions = ("--streams", "discussions", "--full")
    spoil("upvoteCount", with_lists("labels", both))
    assert collect(*discussions)["outcome"] == "succeeded"
    assert Discussion.objects.exists()
    cut = None if arrived is None else both | {"nodes": arrived}
    spoil("upvoteCount", with_lists("labels", cut))
    assert collect(*discussions)["outcome"] == "partial"
    assert not Discussion.objects.exclude(labels=["one", "two"]).exists()
    assert SkippedItem.objects.filter(cleared_at=None, reason="incomplete", stream="discussions").exists()
    spoil("upvoteCount", with_lists("labels", both))
    assert collect(*discussions)["outcome"] == "succeeded"
    assert not SkippedItem.objects.filter(cleared_at=None).exists()
