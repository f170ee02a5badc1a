"""Tests with recorded data of lists that fail, and of repositories that are hidden, renamed or have disabled features.

The other data must still be collected.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.models import Activity, ApiBudget, Document, Scope, SkippedItem
from github_activity_tracker.collector import collector
from github_activity_tracker.models import Issue, PullRequest, Repository
from github_activity_tracker.store.repositories import mark_repository_deleted
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_twin import until_complete
from tests.support.github_twin import SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    running = Twin(tmp_path_factory.mktemp("isolation-twin"), SPARSE)
    yield running
    running.stop()


@pytest.fixture
def server(small: Twin, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twin:
    """Return the twin with its recorded data. The settings point to the twin."""
    small.call("reset", {"data": True, "config": False})
    small.call("faults", {})
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = small.url
    settings.GITHUB_TOKENS = ["ghp_alice_1"]
    settings.WORKSPACE_DIR = tmp_path
    monkeypatch.setattr(collector, "PATIENCE", 2.0)
    monkeypatch.setattr(collector, "IMPATIENCE", 2.0)
    return small


@pytest.fixture
def run(server: Twin, collect: Collect) -> Run:
    """Return a function that collects the twin's repository, or the repositories in the arguments."""

    def running(*arguments: str) -> dict[str, Any]:
        ApiBudget.objects.update(not_before=None, resets_at=None)
        names = [] if any("/" in argument for argument in arguments) else [server.name]
        return collect(*names, *arguments)

    return running


def change(server: Twin, op: str, **more: object) -> Any:
    return server.call("mutate", {"op": op, "repo": server.name, **more})["results"][0]


def alive() -> dict[str, int]:
    """Return the number of rows that are not marked as deleted, by kind."""
    return {
        "issues": Issue.objects.filter(deleted_at=None).count(),
        "pulls": PullRequest.objects.filter(deleted_at=None).count(),
        "activities": Activity.objects.filter(deleted_at=None).count(),
        "documents": Document.objects.filter(deleted_at=None).count(),
    }


def report(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(scope for scope in result["scopes"] if scope["scope"] == name)


@pytest.mark.parametrize(
    ("kind", "path"), [("502", "/pulls/comments(?!.*since=)"), ("504", r"/issues/comments(?!.*since=)")]
)
def test_a_list_that_fails_unless_a_time_is_sent_is_complete_after_the_first_run(
    server: Twin, run: Run, kind: str, path: str
) -> None:
    server.call("faults", {"rules": [{"kind": kind, "path": path}]})
    assert run()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}


@pytest.mark.parametrize(
    ("rule", "stream"),
    [
        ({"kind": "502", "path": "/pulls/comments"}, "review_comments"),
        (
            {"kind": "graphql_something_went_wrong", "query": r"pullRequests\([^)]*UPDATED_AT,?\s*direction:\s*ASC"},
            "pulls",
        ),
    ],
)
def test_a_list_that_always_fails_costs_nothing_but_itself(
    server: Twin, run: Run, rule: dict[str, Any], stream: str
) -> None:
    server.call("faults", {"rules": [rule]})
    result = run()
    assert (result["outcome"], result["skipped"]) == ("partial", 1)
    assert report(result, server.name)["reason"].startswith(f"could not be read: {stream} (unavailable): ")
    assert set(differences(server.truth())) <= {stream, "reviews"}
    server.call("faults", {})
    assert run()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert not SkippedItem.objects.filter(cleared_at=None).exists()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"type": "FORBIDDEN"}, "SAML"),
        ({"type": "FORBIDDEN", "saml": False}, "not accessible by personal access token"),
        ({"type": "NOT_FOUND"}, "Could not resolve to a node"),
        ({"type": None}, ""),
    ],
    ids=str,
)
def test_one_repository_that_the_probe_does_not_show_says_why_and_costs_no_other(
    server: Twin, run: Run, rule: dict[str, Any], words: str
) -> None:
    owner = server.name.partition("/")[0]
    change(server, "rename_repo", name="another")
    change(server, "recreate_repo")
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": "^r1$", **rule}]})
    result = run(server.name, f"{owner}/another", "--streams", "issues,pulls")
    short = [scope for scope in result["scopes"] if words and words in scope["reason"]]
    assert len(result["scopes"]) == 2
    assert len(short) == bool(words)
    assert all("GITHUB_TOKENS" not in scope["reason"] for scope in result["scopes"])
    assert [scope["outcome"] for scope in result["scopes"] if scope not in short].count("succeeded") == 2 - len(short)


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ({"has_pull_requests": False}, {"has_pull_requests": True}),
        ({"has_issues": False, "issues_status": 410}, {"has_issues": True, "issues_status": None}),
    ],
    ids=["pull requests", "issues"],
)
def test_what_is_switched_off_is_complete_and_nothing_of_it_is_deleted(
    server: Twin, run: Run, off: dict[str, Any], on: dict[str, Any]
) -> None:
    assert run()["outcome"] == "succeeded"
    before = alive()
    change(server, "set_repo", **off)
    for more in ((), ("--reconcile",), ("--full",)):
        result = run(*more)
        assert (result["outcome"], result["skipped"]) == ("succeeded", 0)
        assert alive() == before
    assert "switched off" in result["scopes"][0]["notes"][0]
    change(server, "set_repo", **on)
    number = server.truth()["pulls" if "has_pull_requests" in on else "issues"]["numbers"][0]
    change(server, "add_comment", number=number, body="after the switch")
    until_complete(run)
    assert differences(server.truth()) == {}
    assert alive()["documents"] == before["documents"]


def test_a_first_run_without_pull_requests_reads_them_when_they_are_switched_on(server: Twin, run: Run) -> None:
    change(server, "set_repo", has_pull_requests=False)
    assert run()["outcome"] == "succeeded"
    assert not PullRequest.objects.exists()
    change(server, "set_repo", has_pull_requests=True)
    until_complete(run)
    assert PullRequest.objects.exists()


def test_a_name_that_another_repository_has_now_leaves_a_tombstone_and_a_new_scope(server: Twin, run: Run) -> None:
    run()
    old, count = Repository.objects.get(), Activity.objects.count()
    new = change(server, "recreate_repo")
    change(server, "add_issue", title="the first", body="in the new one")
    result = run()
    assert result["outcome"] == "succeeded"
    assert "no longer exists on GitHub" in report(result, server.name)["notes"][0]
    old.refresh_from_db()
    assert old.deleted_at
    assert Activity.objects.filter(scope__external_id=str(old.pk), deleted_at=old.deleted_at).count() == count
    assert not Document.objects.filter(scope__external_id=str(old.pk), deleted_at=None).exists()
    assert list(Repository.objects.filter(deleted_at=None).values_list("pk", flat=True)) == [new["id"]]
    assert {scope.external_id for scope in Scope.objects.filter(name=server.name)} == {str(old.pk), str(new["id"])}
    assert Issue.objects.get(deleted_at=None).body == "in the new one"
    assert run()["outcome"] == "succeeded"


def test_a_repository_that_is_shown_again_is_restored_as_it_was(server: Twin, run: Run) -> None:
    run()
    before, row = alive(), Repository.objects.values().get()
    deleted = Issue.objects.order_by("pk").first()
    assert deleted is not None
    Issue.objects.filter(pk=deleted.pk).update(deleted_at=deleted.created_at)
    mark_repository_deleted(row["id"], timezone.now())
    assert set(alive().values()) == {0}
    assert run()["outcome"] == "succeeded"
    Issue.objects.filter(pk=deleted.pk).update(deleted_at=None)
    assert alive() == before


@pytest.mark.parametrize("status", [404, 403, 451])
def test_a_repository_that_is_hidden_is_reported_and_not_deleted(server: Twin, run: Run, status: int) -> None:
    run()
    before = alive()
    change(server, "hide_repo", status=status)
    result = run()
    assert result["outcome"] == "failed"
    assert result["scopes"][0]["reason"]
    assert alive() == before
    change(server, "hide_repo", status=0)
    assert run()["outcome"] == "succeeded"
    assert not SkippedItem.objects.filter(cleared_at=None).exists()


def test_a_renamed_repository_and_the_one_that_took_its_name_are_both_collected(server: Twin, run: Run) -> None:
    run()
    owner, old = server.name.partition("/")[0], Repository.objects.get()
    before = alive()["issues"]
    change(server, "rename_repo", name="another")
    new = change(server, "recreate_repo")
    change(server, "add_issue", title="the first", body="in the new one")
    result = run()
    assert result["outcome"] == "succeeded"
    names = dict(Repository.objects.filter(deleted_at=None).values_list("pk", "full_name"))
    assert names == {old.pk: f"{owner}/another", new["id"]: server.name}
    assert alive()["issues"] == before + 1


def test_a_name_in_other_letters_is_the_same_repository(server: Twin, run: Run) -> None:
    run()
    before = alive()
    change(server, "rename_repo", name=server.name.partition("/")[2].upper())
    assert run()["outcome"] == "succeeded"
    assert Repository.objects.get().full_name.endswith(server.name.partition("/")[2].upper())
    assert alive() == before


def test_two_names_of_one_repository_are_read_once(server: Twin, run: Run) -> None:
    owner = server.name.partition("/")[0]
    change(server, "rename_repo", name="another")
    result = run(server.name, f"{owner}/another", "--streams", "labels")
    assert result["outcome"] == "succeeded"
    assert "use that name" in str(result["scopes"])
    assert Scope.objects.count() == 1


def test_an_organisation_that_cannot_be_listed_costs_no_other(server: Twin, run: Run) -> None:
    owner = server.name.partition("/")[0]
    result = run("--org", owner, "--org", "no-such-owner-here", "--streams", "labels", server.name)
    assert {scope["scope"]: scope["outcome"] for scope in result["scopes"]} == {
        server.name: "succeeded", "no-such-owner-here/*": "failed",
    }  # fmt: skip
    assert result["outcome"] == "partial"


def test_graphql_that_is_down_costs_the_lists_of_rest_nothing(server: Twin, run: Run) -> None:
    server.call("faults", {"rules": [{"kind": "502", "api": "graphql"}]})
    result = run()
    assert result["outcome"] == "partial"
    assert not {"issues", "issue_comments", "review_comments"} & set(differences(server.truth()))
    server.call("faults", {})
    until_complete(run)
    assert differences(server.truth()) == {}
