"""Tests of responses that GitHub truncates or denies in part.

Missing parts are recorded and do not affect other data. A later run collects them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.models import Activity, SkippedItem
from github_activity_tracker.models import Review
from github_activity_tracker.protocol_impl import HIDDEN
from github_activity_tracker.tests.test_collect import Collect
from tests.support.github_twin import SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
EDGES = r"^node\.pullRequests\.edges"
THREAD_STREAMS = ("--streams", "pulls,issue_timelines")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("withholding-twin"), SPARSE)
    yield running
    running.stop()


@pytest.fixture
def server(small: Twin, settings: Any, tmp_path: Path) -> Twin:
    """Return the twin with its recorded data. The settings point to the twin."""
    small.call("reset", {"data": True})
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = small.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    return small


@pytest.fixture
def collect(server: Twin, collect: Collect) -> Collect:
    return lambda *arguments: collect(server.name, *arguments)


def changed(result: dict[str, Any]) -> list[str]:
    """Return the names of the run's nonzero counts of inserted, updated and deleted rows."""
    return [name for name, n in result["counts"].items() if n and name.endswith(("_inserted", "_updated", "_deleted"))]


def open_skips() -> set[str]:
    return set(SkippedItem.objects.filter(cleared_at=None).values_list("reason", flat=True))


def is_complete(server: Twin, collect: Collect) -> bool:
    """Return whether the database equals the twin, and another full run of the thread streams changes nothing."""
    return differences(server.truth()) == {} and changed(collect("--full", *THREAD_STREAMS)) == []


@pytest.mark.parametrize("at", [r"timelineItems$", r"reviews$", r"(nodes|edges)\.\d+(\.node)?\.\w+$"])
def test_nested_lists_that_are_cut_in_silence_come_with_the_next_run(server: Twin, collect: Collect, at: str) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_starved", "at": at, "limit": 45}]})
    assert collect()["outcome"] == "partial"
    assert open_skips() == {"incomplete"}
    server.call("faults", {"rules": []})
    assert collect()["outcome"] == "succeeded"
    assert open_skips() == set()
    assert is_complete(server, collect)


def test_a_nested_list_that_is_cut_once_costs_one_more_request(server: Twin, collect: Collect) -> None:
    rule = {"kind": "graphql_starved", "at": r"reviews$", "times": 1, "query": "orderBy"}
    server.call("faults", {"rules": [rule]})
    assert collect()["outcome"] == "succeeded"
    assert open_skips() == set()
    assert is_complete(server, collect)


def test_a_list_that_never_agrees_settles(server: Twin, collect: Collect) -> None:
    """Check a list that always has fewer entries than its total, as for pull requests with more than 250 commits."""
    server.call(
        "faults",
        {"rules": [{"kind": "graphql_starved", "at": r"edges\.1\.node\.timelineItems$|nodes\.0\.timelineItems$"}]},
    )
    outcomes = [collect("--streams", "pulls")["outcome"] for _ in range(4)]
    assert outcomes[0] == "partial"
    assert outcomes[-1] == "succeeded"
    assert open_skips() == {"incomplete"}
    server.call("reset", {})
    assert collect("--streams", "pulls")["requests"] <= 2


@pytest.mark.parametrize("kind", ["FORBIDDEN", "NOT_FOUND"])
@pytest.mark.parametrize(
    "at",
    [
        rf"{EDGES}\.2$", rf"{EDGES}\.1\.node$", rf"{EDGES}\.3\.node\.timelineItems\.nodes\.0$",
        rf"{EDGES}\.0\.node\.timelineItems$", rf"{EDGES}\.\d+\.node\.reviews\.nodes\.0$",
        rf"{EDGES}\.4\.node\.headRepository$",
    ],
)  # fmt: skip
def test_an_error_about_one_node_costs_that_node_alone(server: Twin, collect: Collect, at: str, kind: str) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "type": kind, "limit": 1}]})
    first = collect()
    assert first["outcome"] == "partial"
    assert first["counts"]["issue_timelines"] > 10
    assert first["counts"]["pulls"] > 10
    assert open_skips() <= {"denied", "not_found"}
    assert open_skips()
    server.call("faults", {"rules": []})
    assert collect()["outcome"] == "succeeded"
    assert open_skips() == set()
    assert is_complete(server, collect)


@pytest.mark.parametrize("at", [r"^node\.pullRequests$", r"^node\.pullRequests\.edges$", r"^node\.issues\.pageInfo$"])
def test_a_list_that_is_denied_once_is_asked_for_again(server: Twin, collect: Collect, at: str) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "times": 1}]})
    collect()
    server.call("faults", {"rules": []})
    assert collect()["outcome"] == "succeeded"
    assert is_complete(server, collect)


@pytest.mark.parametrize("at", [rf"{EDGES}\.2\.node\.timelineItems\.nodes\.0$", rf"{EDGES}\.2\.node\.mergedBy$"])
def test_a_null_without_an_error_is_ignored(server: Twin, collect: Collect, at: str) -> None:
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "type": None}]})
    assert collect()["outcome"] == "succeeded"
    assert not SkippedItem.objects.exists()


def test_an_author_that_is_hidden_by_an_error_is_no_deleted_account(server: Twin, collect: Collect) -> None:
    at = rf"{EDGES}\.\d+\.node\.reviews\.nodes\.\d+\.author$"
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "limit": 5}]})
    assert collect()["outcome"] == "partial"
    hidden = Activity.objects.filter(activity_type="github.review", actor_name=HIDDEN)
    assert hidden.count() == 5
    server.call("faults", {"rules": []})
    collect()
    assert not hidden.exists()
    known = dict(Review.objects.values_list("pk", "author_id"))
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": at, "limit": 5}]})
    collect("--full", *THREAD_STREAMS)
    assert dict(Review.objects.values_list("pk", "author_id")) == known
    assert not hidden.exists()


def test_an_error_in_a_continued_list_costs_that_part_alone(server: Twin, collect: Collect) -> None:
    number = server.truth()["pulls"]["numbers"][0]
    ops = [{"op": "add_event", "repo": server.name, "number": number, "event": "subscribed"} for _ in range(230)]
    server.call("mutate", {"ops": ops})
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": r"^n0$", "times": 1, "query": "n0: node"}]})
    assert collect()["outcome"] == "partial"
    assert SkippedItem.objects.get(cleared_at=None).external_id.startswith("pulls:")
    server.call("faults", {"rules": []})
    assert collect()["outcome"] == "succeeded"
    assert is_complete(server, collect)
