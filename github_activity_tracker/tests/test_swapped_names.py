"""Tests of two repositories that swap their names. Their scopes, items and checkpoints must stay separate."""

from typing import Any

import pytest

from core.models import Activity, Checkpoint, Scope
from github_activity_tracker.models import FormerName, Issue, Repository
from github_activity_tracker.tests.test_isolation_twin import Run, change
from github_activity_tracker.tests.test_isolation_twin import pytestmark as pytestmark
from github_activity_tracker.tests.test_isolation_twin import run as run
from github_activity_tracker.tests.test_isolation_twin import server as server
from github_activity_tracker.tests.test_isolation_twin import small as small
from tests.support.github_twin import Twin


def names() -> dict[int, str]:
    return dict(Repository.objects.filter(deleted_at=None).values_list("pk", "full_name"))


def scope_names() -> dict[str, str]:
    return dict(Scope.objects.values_list("external_id", "name"))


def titles(repository_id: int) -> dict[int, str]:
    of = Issue.objects.filter(repository_id=repository_id, deleted_at=None)
    return dict(of.values_list("pk", "title"))


def addresses(repository_id: int) -> set[str]:
    """Return the repository names (owner/name) in the stored URLs of one repository."""
    stored = Issue.objects.filter(repository_id=repository_id).values_list("html_url", flat=True)
    shown = Activity.objects.filter(scope__external_id=str(repository_id)).values_list("source_url", flat=True)
    return {"/".join(url.split("/")[3:5]) for url in [*stored, *shown] if url}


def checkpoints(repository_id: int) -> dict[str, Any]:
    return dict(Checkpoint.objects.filter(scope=str(repository_id)).values_list("stream", "checkpoint_token"))


def two_repositories(server: Twin) -> tuple[str, str, int]:
    """Rename the repository, and add a small repository with the old name.

    Returns the full name of the renamed repository, and the full name and the id of the small repository.
    """
    owner = server.name.partition("/")[0]
    change(server, "rename_repo", name="another")
    new = change(server, "recreate_repo")
    for title in ("the first", "the second"):
        change(server, "add_issue", title=title, body="in the small one")
    return f"{owner}/another", server.name, new["id"]


def rename(server: Twin, old: str, new: str, **more: Any) -> None:
    server.call("mutate", {"op": "rename_repo", "repo": old, "name": new.partition("/")[2], **more})


def swap(server: Twin, one: str, two: str, **more: Any) -> None:
    between = f"{one}-for-a-moment"
    rename(server, one, between, **more)
    rename(server, two, one, **more)
    rename(server, between, two, **more)


@pytest.mark.parametrize(("asked", "facts"), [("both", True), ("one", True), ("enabled", True), ("other", False)])
def test_repositories_that_swap_their_names_keep_what_is_theirs(
    server: Twin, run: Run, asked: str, facts: bool
) -> None:
    full, small_one, small_id = two_repositories(server)
    assert run(full, small_one)["outcome"] == "succeeded"
    full_id = next(pk for pk in names() if pk != small_id)
    assert names() == {full_id: full, small_id: small_one}
    before = {pk: titles(pk) for pk in names()}
    saved = {pk: checkpoints(pk) for pk in names()}
    swap(server, full, small_one)
    server.call("mutate", {"op": "add_issue", "repo": small_one, "title": "new in the full one", "body": ""})
    server.call("mutate", {"op": "add_issue", "repo": full, "title": "new in the small one", "body": ""})
    if not facts:
        server.call("faults", {"rules": [{"kind": "502", "query": "fragment Facts"}]})
    asked_for = {"both": (full, small_one), "one": (full,), "other": (small_one,), "enabled": ()}[asked]
    result = run(*asked_for)
    server.call("faults", {"rules": []})
    assert result["outcome"] == ("succeeded" if facts else "partial")
    assert run(full, small_one)["outcome"] == "succeeded"
    assert names() == {full_id: small_one, small_id: full}
    assert scope_names() == {str(full_id): small_one, str(small_id): full}
    assert not Repository.objects.exclude(deleted_at=None).exists()
    for pk, title in ((full_id, "new in the full one"), (small_id, "new in the small one")):
        here = titles(pk)
        assert before[pk].items() <= here.items()
        assert [text for key, text in here.items() if key not in before[pk]] == [title]
        assert addresses(pk) == {names()[pk]}
        assert saved[pk].keys() <= checkpoints(pk).keys()
        assert saved[pk]["issues"] <= checkpoints(pk)["issues"]
    assert not {*titles(full_id)} & {*titles(small_id)}
    assert {one.repository_id: one.full_name for one in FormerName.objects.all()} == {
        full_id: full, small_id: small_one,
    }  # fmt: skip


@pytest.mark.parametrize("nth", [2, 9])
def test_names_that_are_swapped_during_a_run_cost_nothing_that_is_stored(server: Twin, run: Run, nth: int) -> None:
    full, small_one, small_id = two_repositories(server)
    swap(server, full, small_one, when={"nth": nth})
    run(full, small_one)
    for _ in range(3):
        result = run(full, small_one)
    assert result["outcome"] == "succeeded"
    full_id = next(pk for pk in names() if pk != small_id)
    assert names() == {full_id: small_one, small_id: full}
    assert sorted(titles(small_id).values()) == ["the first", "the second"]
    assert len(titles(full_id)) > 10
    assert not Issue.objects.exclude(deleted_at=None).exists()
    assert addresses(small_id) == {full}
