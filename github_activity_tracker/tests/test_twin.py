"""Tests of complete runs with recorded data.

During a run, the data changes, requests fail, and rate limits are reached.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.models import Activity, ApiBudget, CollectorRun
from github_activity_tracker.collector import collector
from github_activity_tracker.models import Account, FormerName, TimelineEvent
from github_activity_tracker.tests.test_collect import Collect
from tests.support.github_twin import SPARSE, Twin, differences
from tests.support.slow_variants import quick

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
]
FAULTS = (
    "500", "502", "503", "504", "reset", "reset_before", "truncated", "empty", "secondary", "429",
    "graphql_rate_limited",    "graphql_resource_limits", "graphql_something_went_wrong", "graphql_502",
)  # fmt: skip


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("twin"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("small-twin"), SPARSE)
    yield running
    running.stop()


@pytest.fixture
def server(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twin:
    """Return the twin with its recorded data. Parametrised tests can select the small twin."""
    started: Twin = request.getfixturevalue(getattr(request, "param", "started"))
    started.call("reset", {"data": True})
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = started.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    monkeypatch.setattr(collector, "PATIENCE", 2.0)
    monkeypatch.setattr(collector, "IMPATIENCE", 2.0)
    return started


@pytest.fixture
def collect(server: Twin, collect: Collect) -> Collect:
    """Return a function that collects the twin's repository."""
    return lambda *arguments: collect(server.name, *arguments)


def until_complete(collect: Collect, *arguments: str) -> int:
    """Run the collector repeatedly until a run succeeds, at most six times. Return the number of runs."""
    for runs in range(1, 7):
        ApiBudget.objects.update(not_before=None, resets_at=None)  # as if all waiting times were over
        result = collect(*arguments)
        if result["outcome"] == "succeeded":
            return runs
    raise AssertionError(f"six runs were not enough: {result}")


@pytest.mark.parametrize("server", ["small"], indirect=True, ids=[""])
@pytest.mark.parametrize("kind", quick(FAULTS, "truncated", "graphql_502"))
def test_a_fault_that_comes_again_and_again_spoils_nothing(server: Twin, collect: Collect, kind: str) -> None:
    server.call("faults", {"seed": 3, "rules": [{"kind": kind, "probability": 0.15, "retry_after": 1, "times": 40}]})
    until_complete(collect)
    assert differences(server.truth()) == {}


@pytest.mark.slow
def test_faults_of_all_kinds_at_once_spoil_nothing(server: Twin, collect: Collect) -> None:
    rules = [{"kind": kind, "probability": 0.05 / len(FAULTS), "retry_after": 1} for kind in FAULTS]
    server.call("faults", {"seed": 5, "rules": rules})
    until_complete(collect)
    server.call("faults", {})
    until_complete(collect, "--reconcile")
    assert differences(server.truth()) == {}


def test_a_token_that_is_revoked_half_way_is_named_by_its_variable(server: Twin, collect: Collect) -> None:
    server.call("faults", {"rules": [{"kind": "revoke", "nth": [9]}]})
    result = collect()
    assert result["outcome"] == "partial"
    assert "GITHUB_TOKENS" in result["scopes"][0]["reason"]
    assert "ghp_" not in str(result)
    assert CollectorRun.objects.latest("pk").failure_category == "auth"
    assert Activity.objects.exists()


@pytest.mark.slow
def test_another_token_takes_over_from_one_that_is_revoked(server: Twin, collect: Collect, settings: Any) -> None:
    settings.GITHUB_TOKENS = ["ghp_alice_1", "ghp_bob_1"]
    server.call("faults", {"rules": [{"kind": "revoke", "user": "alice", "nth": [5]}]})
    until_complete(collect)
    assert differences(server.truth()) == {}


def test_lists_go_on_behind_the_ends_that_github_puts_to_them(server: Twin, collect: Collect) -> None:
    """Check lists that are longer than GitHub's limit for numbered pages.

    The twin refuses numbered pages beyond 150 issues and beyond 200 comments.
    """
    collect()
    stats = server.call("stats")
    assert differences(server.truth()) == {}
    assert "422" not in str(stats.get("by_status", stats.get("statuses", "")))


def orders(server: Twin, seed: int, requests: int, *, count: int = 60) -> list[dict[str, Any]]:
    """Return random changes from a seed. The twin makes each change just before a random request.

    An item that is deleted or transferred is not changed in any other way.
    """
    dice, truth = random.Random(seed), server.truth()
    numbers = [*truth["issues"]["numbers"], *truth["pulls"]["numbers"]]
    pulls = list(truth["pulls"]["numbers"])
    dice.shuffle(numbers)
    gone = numbers[:4]
    busy = [number for number in numbers[4:] if number not in gone]
    made: list[dict[str, Any]] = [
        {"op": "delete_item", "number": gone[0]}, {"op": "delete_item", "number": gone[1]},
        {"op": "transfer_item", "number": gone[2]}, {"op": "transfer_item", "number": gone[3]},
    ]  # fmt: skip
    for place in range(count):
        body = f"changed {seed}.{place}"
        number = busy[place % len(busy)]
        made.append({"op": "edit_item", "number": number, "title": f"renamed {place}", "body": body})
        made.append({"op": "add_comment", "number": number, "body": body})
        made.append({"op": dice.choice(["close", "reopen", "label"]), "number": number, "name": "storm"})
        made.append({"op": "add_issue", "title": f"new {seed}.{place}", "body": body})
    for number in [one for one in pulls if one not in gone][:15]:
        made.append({"op": "add_review", "number": number, "comments": [{"body": "here", "path": "a.cpp", "line": 3}]})
        made.append({"op": "force_push", "number": number})
    for made_order in made:
        made_order |= {"repo": server.name, "when": {"nth": dice.randint(2, requests)}}
    return made


def storm(server: Twin, seed: int, requests: int) -> None:
    """Schedule changes of items and accounts for the next run."""
    made = orders(server, seed, requests)
    random.Random(seed).shuffle(made)
    for order in made:
        server.call("mutate", order)
    someone = Account.objects.filter(kind="User", issuecomments__isnull=False).distinct().order_by("pk")
    leaves, renamed = (someone[:2]) if someone.count() > 1 else (None, None)
    if leaves and renamed:
        server.call("mutate", {"op": "delete_user", "login": leaves.login, "when": {"nth": requests // 2}})
        server.call("mutate", {"op": "rename_user", "login": renamed.login, "to": "newly-named", "when": {"nth": 3}})


@pytest.mark.parametrize("seed", quick([1, 2], 1))
def test_a_storm_during_the_first_run_is_caught_up_with(server: Twin, collect: Collect, seed: int) -> None:
    storm(server, seed, requests=20)
    until_complete(collect)
    until_complete(collect)
    assert differences(server.truth(), deletions=False) == {}
    until_complete(collect, "--reconcile")
    assert differences(server.truth()) == {}


@pytest.mark.slow
def test_a_storm_during_a_later_run_is_caught_up_with(server: Twin, collect: Collect) -> None:
    until_complete(collect)
    for number in server.truth()["issues"]["numbers"][:1]:  # so that the run has something to read
        server.call("mutate", {"op": "add_comment", "repo": server.name, "number": number, "body": "begin"})
    storm(server, 3, requests=8)
    until_complete(collect)
    until_complete(collect)
    assert differences(server.truth(), deletions=False) == {}
    until_complete(collect, "--reconcile")
    assert differences(server.truth()) == {}
    assert Account.objects.filter(login="newly-named").exists()
    assert Account.objects.exclude(deleted_at=None).count() == 1
    assert TimelineEvent.objects.filter(event="head_ref_force_pushed", deleted_at=None).exists()


def test_a_rename_and_a_new_owner_during_a_run_change_names_alone(server: Twin, collect: Collect) -> None:
    for nth, change in ((4, {"name": "renamed"}), (9, {"owner": "somebody-else"})):
        server.call("mutate", {"op": "rename_repo", "repo": server.name, "when": {"nth": nth}, **change})
    until_complete(collect)
    until_complete(collect, "--reconcile")
    assert differences(server.truth()) == {}
    assert FormerName.objects.exists()
