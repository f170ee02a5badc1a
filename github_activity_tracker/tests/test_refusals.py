"""Tests of repositories and items that GitHub refuses, moves or omits, and of exhausted rate limits."""

from typing import Any

import pytest
from django.db import DataError

from core.models import CollectorRun, Scope, SkippedItem
from github_activity_tracker.collector import streams
from github_activity_tracker.collector.run import Run
from github_activity_tracker.management.commands.collect_github import Command
from github_activity_tracker.models import FormerName, Issue, Repository
from github_activity_tracker.tests.test_collect import Collect, expected_bodies, stored_bodies
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.server import SampleServer
from tests.support.slow_variants import quick

pytestmark = pytest.mark.django_db(transaction=True)


def scopes(result: dict[str, Any]) -> dict[str, str]:
    """Return the outcomes by repository."""
    return {scope["scope"]: scope["outcome"] for scope in result["scopes"]}


@pytest.fixture
def both(sample_server: SampleServer, settings: Any, tmp_path: Any, collect: Collect) -> tuple[SampleServer, Collect]:
    """Serve the sample community with two repositories.

    Return the server, and a function that collects both repositories.
    """
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS = [sample_server.token()]
    return sample_server, lambda *more: collect(SAMPLE_REPOSITORY, SECOND_REPOSITORY, *more)


@pytest.mark.parametrize(
    "unforeseen", [KeyError("id"), *quick([TypeError("None"), DataError("22003"), RecursionError()])]
)
def test_an_error_that_nobody_thought_of_stops_no_other_repository(
    both: tuple[SampleServer, Collect], monkeypatch: pytest.MonkeyPatch, caplog: Any, unforeseen: Exception
) -> None:
    _, collect = both
    collect_list = streams.WholeListSpec.collect

    def hostile(spec: streams.WholeListSpec, run: Run) -> None:
        if run.scope.name == SAMPLE_REPOSITORY:
            raise unforeseen
        collect_list(spec, run)

    monkeypatch.setattr(streams.WholeListSpec, "collect", hostile)
    result = collect()
    assert scopes(result) == {SAMPLE_REPOSITORY: "partial", SECOND_REPOSITORY: "succeeded"}
    short = next(scope for scope in result["scopes"] if scope["outcome"] == "partial")
    assert "labels (" in short["reason"]
    assert type(unforeseen).__name__ not in short["reason"]
    assert Issue.objects.filter(repository__full_name=SAMPLE_REPOSITORY).exists()
    assert "Traceback" in caplog.text
    assert CollectorRun.objects.latest("pk").outcome == "partial"
    monkeypatch.undo()
    assert scopes(collect())[SAMPLE_REPOSITORY] == "succeeded"


def test_a_lost_database_stops_the_run(both: tuple[SampleServer, Collect], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(streams.WholeListSpec, "collect", full)
    with pytest.raises(OSError, match="No space"):
        both[1]()


@pytest.mark.parametrize(
    ("kind", "reason"), [("451", "blocked"), ("403", "denied"), ("410", "gone"), ("404", "not_found")]
)
def test_a_list_that_is_refused_is_a_typed_skip_and_is_cleared_when_it_works(
    server: SampleServer, collect: Collect, kind: str, reason: str
) -> None:
    server.fail(kind, r"/labels", times=None)
    result = collect()
    assert result["outcome"] == "partial"
    assert f"labels ({reason})" in result["scopes"][0]["reason"]
    assert list(SkippedItem.objects.values_list("stream", "reason")) == [("labels", reason)]
    assert stored_bodies() == expected_bodies(server)
    server.clear_faults()
    assert collect()["outcome"] == "succeeded"
    assert SkippedItem.objects.get().cleared_at


@pytest.mark.parametrize(("kind", "reason"), [("451", "blocked"), ("403", "denied"), ("404", "not_found")])
def test_a_repository_that_is_refused_is_a_typed_skip_and_stops_no_other(
    both: tuple[SampleServer, Collect], settings: Any, kind: str, reason: str
) -> None:
    server, collect = both
    settings.GITHUB_TOKENS = []  # so that facts are read over REST
    server.fail(kind, rf"/repos/{SECOND_REPOSITORY}$", times=None)
    result = collect()
    assert scopes(result)[SECOND_REPOSITORY] == "failed"
    assert SkippedItem.objects.get(stream="repository").reason == reason
    assert Issue.objects.filter(repository__full_name=SAMPLE_REPOSITORY).exists()


def test_without_a_token_lists_are_read_and_the_rest_is_counted(
    server: SampleServer, collect: Collect, settings: Any, caplog: Any
) -> None:
    settings.GITHUB_TOKENS = []
    result = collect()
    assert "GITHUB_TOKENS is empty: GitHub allows 60 requests an hour" in caplog.text
    assert result["outcome"] == "partial"
    assert stored_bodies() == expected_bodies(server)
    assert set(SkippedItem.objects.values_list("stream", "reason")) == {
        (name, "needs_token") for name, spec in streams.STREAMS.items() if spec.uses_graphql
    }


def test_sixty_requests_without_a_token_end_as_partial_with_a_time(
    server: SampleServer, collect: Collect, settings: Any
) -> None:
    settings.GITHUB_TOKENS = []
    server.set_quota("", remaining=4, limit=60, reset_in=1800)
    assert collect()["outcome"] == "partial"
    assert len([one for one in server.requests if one.kind == "rest" and one.status == 200]) <= 5
    assert Scope.objects.get().not_before
    server.set_quota("", remaining=60, limit=60)
    collect()
    assert stored_bodies() == expected_bodies(server)


def test_an_empty_repository_has_no_commits_and_that_is_no_trouble(both: tuple[SampleServer, Collect]) -> None:
    assert scopes(both[1]("--streams", "commits"))[SECOND_REPOSITORY] == "succeeded"


def test_a_redirect_leads_to_the_new_name_and_the_old_one_is_kept(
    server: SampleServer, collect: Collect, settings: Any
) -> None:
    settings.GITHUB_TOKENS = []  # REST answers 301; GraphQL follows the redirect itself
    old = server.truth()["full_name"]
    collect(old)
    server.rename_repository("other-name")
    Repository.objects.update(id=Repository.objects.get().pk)
    collect(old)
    assert Repository.objects.get().full_name.endswith("/other-name")
    assert FormerName.objects.get().full_name == old


def test_a_transferred_issue_says_where_it_went(both: tuple[SampleServer, Collect]) -> None:
    server, collect = both
    collect()
    there = server.transfer_issue(1)
    collect("--reconcile")
    issue = Issue.objects.get(number=1, repository__full_name=SAMPLE_REPOSITORY)
    assert issue.deleted_at
    moved = Issue.objects.get(number=there, repository__full_name=SECOND_REPOSITORY)
    assert issue.transferred_to.endswith(f"/issues/{there}")
    assert moved.deleted_at is None


def exit_code(*arguments: str) -> int:
    """Run the command in the same way as from a shell, without the index sync. Return the exit code."""
    try:
        Command().run_from_argv(["manage.py", "collect_github", *arguments, "--no-sync"])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_token_that_is_revoked_half_way_ends_with_3_and_its_variable(server: SampleServer, capsys: Any) -> None:
    server.fail("revoke", 7)
    assert exit_code(server.truth()["full_name"]) == 3
    output = capsys.readouterr().err
    assert "GITHUB_TOKENS" in output
    assert f"***{server.token()[-4:]}" in output
    assert server.token() not in output
    assert Issue.objects.exists()


@pytest.mark.parametrize("bound", ["--max-requests=5", "--max-seconds=0.4"])
def test_what_may_be_spent_is_spent_and_the_end_is_at_a_page(
    server: SampleServer, bound: str, collect: Collect
) -> None:
    name = server.truth()["full_name"]
    server.fail("slow", r"/issues/comments", seconds=0.5)
    assert exit_code(name, bound) == 3
    assert CollectorRun.objects.latest("pk").outcome == "partial"
    assert len(server.requests) <= (5 if "requests" in bound else 60)
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
