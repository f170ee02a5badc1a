"""Tests that every run makes progress until everything is stored.

Runs may send only a few requests, a list has many items in the same second, or an item needs more requests than one
run may send.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.models import Checkpoint, SkippedItem
from github_activity_tracker.fetch import threads
from github_activity_tracker.models import IssueComment, Label, TimelineEvent
from github_activity_tracker.tests.test_collect import Collect
from tests.support.github_twin import SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
MOST_RUNS = 60


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Yield a twin in which most items of each list have the same time, in whole seconds."""
    running = Twin(tmp_path_factory.mktemp("crowded-twin"), SPARSE, cluster=300, comments_item_limit=30_000)
    yield running
    running.stop()


@pytest.fixture
def server(crowded: Twin, settings: Any, tmp_path: Path) -> Twin:
    crowded.call("reset", {"data": True})
    crowded.call("limits", {"config": {"issues_paging": "cursor"}})
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = crowded.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    return crowded


@pytest.fixture
def collect(server: Twin, collect: Collect) -> Collect:
    return lambda *arguments: collect(server.name, *arguments)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the page size to three, so that one run cannot read the whole list of pull requests."""
    for stream in ("pulls", "issue_timelines"):
        monkeypatch.setitem(threads.LISTINGS, stream, replace(threads.LISTINGS[stream], size=3))


def checkpoints() -> str:
    """Return the checkpoints of all streams as text, without the checkpoints of reconciliation."""
    rows = Checkpoint.objects.order_by("stream").values_list("stream", "checkpoint_token", "extras")
    return str([row for row in rows if not row[0].startswith("reconcile")])


def in_steps(collect: Collect, *arguments: str, requests: int = 5) -> int:
    """Run repeatedly with at most ``requests`` requests per run until a run succeeds. Return the number of runs.

    Checks that each incomplete run changes the checkpoints, and that no run repeats an earlier state.
    """
    seen = {checkpoints()}
    for runs in range(1, MOST_RUNS + 1):
        result = collect(f"--max-requests={requests}", *arguments)
        assert result["requests"] <= requests
        if result["outcome"] == "succeeded":
            return runs
        now = checkpoints()
        assert now not in seen, f"run {runs} got no further: {now}"
        seen.add(now)
    raise AssertionError(f"{MOST_RUNS} runs were not enough: {result}")


@pytest.mark.parametrize(("paging", "requests"), [("cursor", 5), ("page", 5), ("page", 7)])
@pytest.mark.usefixtures("small_pages")
def test_every_run_of_few_requests_gets_further_inside_a_crowded_moment(
    server: Twin, collect: Collect, paging: str, requests: int
) -> None:
    server.call("limits", {"config": {"issues_paging": paging}})
    in_steps(collect, requests=requests)
    assert differences(server.truth()) == {}
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize(("kind", "stream"), [("pulls", "pulls"), ("issues", "issue_timelines")])
def test_an_item_longer_than_a_run_is_read_over_several_runs(
    server: Twin, collect: Collect, kind: str, stream: str
) -> None:
    collect()
    number, before = server.truth()[kind]["numbers"][0], TimelineEvent.objects.count()
    ops = [{"op": "add_event", "repo": server.name, "number": number, "event": "subscribed"} for _ in range(730)]
    server.call("mutate", {"ops": ops})
    server.call("mutate", {"op": "edit_item", "repo": server.name, "number": number, "body": "long", "touch": True})
    assert in_steps(collect, "--streams", stream) > 1
    assert TimelineEvent.objects.count() >= before + 730
    full = collect("--full", "--streams", stream)
    assert not [name for name in full["counts"] if name.endswith(("_inserted", "_deleted"))]


def test_a_long_list_of_labels_is_read_over_several_runs(server: Twin, collect: Collect) -> None:
    server.call("mutate", {"op": "add_labels", "repo": server.name, "count": 640})
    assert in_steps(collect, "--streams", "labels") > 1
    assert Label.objects.filter(deleted_at=None).count() >= 640
    collect("--full", "--streams", "labels")
    assert not Label.objects.exclude(deleted_at=None).exists()


@pytest.mark.parametrize("ends", [200, 300])
def test_a_moment_with_more_items_than_github_serves_is_named_and_passed(
    server: Twin, collect: Collect, ends: int
) -> None:
    number, at = server.truth()["issues"]["numbers"][0], "2023-09-01T10:00:00Z"
    order = {"op": "add_comment", "repo": server.name, "number": number, "at": at}
    server.call("mutate", {"ops": [order | {"body": f"comment {n}"} for n in range(ends + 150)]})
    server.call("mutate", order | {"body": "the last", "at": "2023-09-01T10:00:01Z"})
    server.call("limits", {"config": {"comments_item_limit": ends}})
    try:
        result = collect("--streams", "issue_comments")
    finally:
        server.call("limits", {"config": {"comments_item_limit": 30_000}})
    assert result["outcome"] == "partial"
    skip = SkippedItem.objects.get(stream="issue_comments")
    assert (skip.reason, skip.external_id) == ("incomplete", f"issue_comments@{at}")
    assert len(differences(server.truth())["issue_comments"]) == 150
    assert IssueComment.objects.filter(body="the last").exists()


@pytest.mark.parametrize("order", ["delete_comment", "edit_comment"])
def test_what_moves_between_the_pages_of_a_crowded_moment_is_not_lost(
    server: Twin, collect: Collect, order: str
) -> None:
    first = min(server.truth()["issue_comments"]["sha256"], key=int)
    change = {"op": order, "repo": server.name, "id": int(first), "comment": int(first), "body": "moved"}
    server.call("mutate", change | {"when": {"nth": 2, "path": "/issues/comments"}})
    collect()
    assert differences(server.truth(), deletions=False) == {}


def test_an_issue_edited_between_numbered_pages_hides_no_other(server: Twin, collect: Collect) -> None:
    server.call("limits", {"config": {"issues_paging": "page"}})
    ops = [{"op": "add_issue", "repo": server.name, "title": f"new {n}", "body": str(n)} for n in range(170)]
    server.call("mutate", {"ops": ops})
    for number in sorted(server.truth()["issues"]["numbers"])[:5]:
        order = {"op": "edit_item", "repo": server.name, "number": number, "body": "edited"}
        server.call("mutate", order | {"when": {"nth": 2, "path": r"/issues\?"}})
    collect()
    assert differences(server.truth(), deletions=False) == {}


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize(("order", "stream"), [("add_labels", "labels"), ("add_milestones", "milestones")])
def test_a_full_last_page_hides_no_successor(
    server: Twin, collect: Collect, link: bool, order: str, stream: str
) -> None:
    server.call("limits", {"config": {"link_on_304": link}})
    have = server.call("mutate", {"op": order, "repo": server.name, "count": 1})["results"][0][stream]
    server.call("mutate", {"op": order, "repo": server.name, "count": 100 - have})
    first = collect("--streams", stream)
    assert first["counts"][stream] == 100
    server.call("mutate", {"op": order, "repo": server.name, "count": 3})
    assert collect("--streams", stream)["counts"][stream] == 103
    assert stream not in collect("--streams", stream)["counts"]
