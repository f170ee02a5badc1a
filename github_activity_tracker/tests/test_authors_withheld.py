"""Tests of commit authors that a run could not look up. A later run looks them up."""

from collections.abc import Callable
from typing import Any

import pytest

from core.models import SkippedItem
from github_activity_tracker.collector import repository as repository_run
from github_activity_tracker.convert import commits
from github_activity_tracker.models import AuthorEmail, Commit
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.pages import save_state
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_discussions import server as sample_server
from github_activity_tracker.tests.test_isolation import Spoil
from github_activity_tracker.tests.test_isolation import spoil as spoil
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Change = Callable[[Any], Any]
QUERY = "object(oid"
COMMITS = ("--streams", "commits")
server = sample_server


def withheld(kind: str, *path: str) -> Change:
    def change(answer: Any) -> Any:
        holder = answer["data"]["node"]
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = None
        error = {"type": kind, "path": ["node", *path], "message": "not for you"}
        return answer | {"errors": [error]}

    return change


@pytest.mark.parametrize(
    ("kind", "path"), [("FORBIDDEN", ("c1", "author", "user")), ("NOT_FOUND", ("c0",)), ("NOT_FOUND", ("c2", "author"))]
)
def test_an_author_that_is_withheld_costs_no_other_and_is_asked_for_again(
    server: SampleServer, collect: Collect, spoil: Spoil, kind: str, path: tuple[str, ...]
) -> None:
    del server
    spoil(QUERY, withheld(kind, *path))
    assert collect(*COMMITS)["outcome"] == "succeeded"
    known = AuthorEmail.objects.count()
    assert known == 6
    spoil(QUERY, lambda answer: answer)
    save_state(Commit.objects.values_list("repository_id", flat=True)[0], "authors", GitHubState(extras={"more": True}))
    collect(*COMMITS)
    assert AuthorEmail.objects.count() == 7


@pytest.mark.parametrize("errors", [[], [{"type": "NOT_FOUND", "path": ["node"], "message": "gone"}]], ids=str)
def test_a_repository_that_is_withheld_makes_nobody_an_author_without_account(
    server: SampleServer, collect: Collect, spoil: Spoil, errors: list[Any]
) -> None:
    del server
    spoil(QUERY, lambda answer: {"data": answer["data"] | {"node": None}} | ({"errors": errors} if errors else {}))
    assert collect(*COMMITS)["outcome"] == "partial"
    assert not AuthorEmail.objects.exists()
    assert SkippedItem.objects.get(cleared_at=None).stream == "authors"
    spoil(QUERY, lambda answer: answer)
    assert collect(*COMMITS)["outcome"] == "succeeded"
    assert AuthorEmail.objects.count() == 7
    assert not SkippedItem.objects.filter(cleared_at=None).exists()


@pytest.mark.parametrize("moment", ["find_authors", "reconcile"])
def test_a_run_that_is_cut_off_after_the_commits_leaves_their_authors_to_the_next(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    del server

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(repository_run, moment, interrupted)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            collect()
    collect("--streams", "issues")  # this run neither reads commits nor looks up authors
    collect()
    assert AuthorEmail.objects.count() == 7


def test_the_author_of_a_commit_that_was_malformed_is_looked_up_when_the_commit_is_retried(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    del server
    convert = commits.convert_commit

    def malformed(commit: Any, **more: Any) -> Any:
        if commit.author_email == "bjorg@example.org":
            raise ValueError("a number out of range")
        return convert(commit, **more)

    with monkeypatch.context() as patched:
        patched.setattr(commits, "convert_commit", malformed)
        collect(*COMMITS)
        assert AuthorEmail.objects.count() == 6
    collect(*COMMITS)
    assert AuthorEmail.objects.count() == 7
