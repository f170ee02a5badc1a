"""Tests of finding the accounts of commit authors."""

from pathlib import Path
from typing import Any

import pytest

from core.models import Activity, Document
from github_activity_tracker.collector import streams
from github_activity_tracker.models import Account, AuthorEmail, Commit
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_discussions import server as sample_server
from samples.server import SampleServer

pytestmark = pytest.mark.django_db(transaction=True)
server = sample_server
BRAM, GRETA = 90000000004, 90000000009


def graphql_requests(server: SampleServer) -> int:
    """Return the number of GraphQL requests."""
    return sum(request.kind == "graphql" for request in server.requests)


def test_an_address_becomes_its_account(server: SampleServer, collect: Collect) -> None:
    result = collect()
    commits = Commit.objects.filter(author_email="bram@sluis.example")
    assert commits.exists()
    assert set(commits.values_list("author_id", flat=True)) == {BRAM}
    names = [f"github:commit:{commit.repository_id}:{commit.sha}" for commit in commits]
    shown = Activity.objects.filter(external_id__in=names).values_list("actor_external_id", "actor_name")
    assert set(shown) == {(str(BRAM), Account.objects.get(pk=BRAM).login)}
    assert result["counts"]["authors_found"] == AuthorEmail.objects.exclude(account=None).count() == 5


@pytest.mark.slow
def test_an_address_is_asked_about_once_whatever_the_answer(server: SampleServer, collect: Collect) -> None:
    collect()
    assert AuthorEmail.objects.filter(account=None).count() == 2
    server.reset_log()
    collect("--full", "--streams", "commits")
    assert graphql_requests(server) == 1  # the request that checks whether anything changed


def test_reading_everything_again_changes_nothing(server: SampleServer, collect: Collect) -> None:
    del server
    collect()

    def stored_bodies() -> list[Any]:
        commits = Activity.objects.filter(activity_type="github.commit").order_by("pk")
        documents = Document.objects.filter(kind="commit").order_by("pk").values_list("external_id", "version")
        return [*Commit.objects.order_by("pk").values_list(), *commits.values_list(), *documents]

    before = stored_bodies()
    collect("--full", "--streams", "commits")
    assert stored_bodies() == before


def test_what_a_run_may_ask_is_bounded_and_later_runs_go_on(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    del server
    monkeypatch.setattr(streams, "MOST_AUTHORS", 3)
    collect()
    assert AuthorEmail.objects.count() == 3
    collect()
    collect()
    assert AuthorEmail.objects.count() == 7


@pytest.mark.slow
def test_an_account_that_is_gone_keeps_its_commits(server: SampleServer, collect: Collect) -> None:
    collect()
    before = Commit.objects.filter(author_id__in=[BRAM, GRETA]).count()
    server.delete_account(BRAM)
    server.delete_account(GRETA)
    collect("--reconcile")
    collect("--full", "--streams", "commits")
    assert Commit.objects.filter(author_id__in=[BRAM, GRETA]).count() == before
    assert Activity.objects.filter(actor_external_id__in=[str(BRAM), str(GRETA)]).exists()
    assert Account.objects.exclude(deleted_at=None).filter(pk__in=[BRAM, GRETA]).count() == 2


@pytest.mark.slow
def test_a_limit_in_the_middle_is_no_obstacle_for_the_next_run(
    server: SampleServer, collect: Collect, tmp_path: Path
) -> None:
    del tmp_path
    collect("--streams", "issues")
    server.before(r"/graphql", lambda: server.set_quota("sample", remaining=0, resource="graphql"), skip=1)
    assert collect("--streams", "commits")["outcome"] == "partial"
    assert not AuthorEmail.objects.exists()
    server.set_quota("sample", remaining=5000, resource="graphql")
    collect("--streams", "commits")
    assert AuthorEmail.objects.count() == 7
