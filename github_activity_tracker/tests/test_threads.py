"""Tests of pull requests, reviews and timelines over GraphQL, and of the cost of unchanged repositories."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity, ApiBudget, Document, Scope, SkippedItem
from github_activity_tracker.models import (
    Account,
    FormerLogin,
    Issue,
    IssueComment,
    Label,
    PullRequest,
    Review,
    ReviewComment,
    Revision,
    TimelineEvent,
)
from samples.server import SampleServer
from tests.support.slow_variants import quick

pytestmark = pytest.mark.django_db(transaction=True)
LATER = "2020-06-01T00:00:00Z"
Collect = Callable[..., dict[str, Any]]


def paths(server: SampleServer) -> list[str]:
    """Return the paths of all requests."""
    return [request.path for request in server.requests]


def test_pull_requests_reviews_and_events_are_kept(server: SampleServer, collect: Collect) -> None:
    result = collect()
    pulls = [one for one in server.truth()["issues"].values() if one["is_pull_request"]]
    assert PullRequest.objects.count() == len(pulls) == result["counts"]["pulls"]
    assert TimelineEvent.objects.filter(event="committed").count() == len(pulls)
    assert Review.objects.filter(author=None).count() < Review.objects.count() or not Review.objects.exists()
    events = Activity.objects.filter(activity_type="github.event.committed")
    assert events.count() == len(pulls)


@pytest.mark.parametrize("kind", quick(["500", "502", "reset", "truncated", "html"], "html"))
def test_a_fault_in_graphql_is_overcome(server: SampleServer, collect: Collect, kind: str) -> None:
    server.fail(kind, r"/graphql")
    assert collect()["outcome"] == "succeeded"
    assert PullRequest.objects.exists()


def test_a_quiet_repository_costs_two_requests(server: SampleServer, collect: Collect) -> None:
    collect()
    server.reset_log()
    assert collect()["requests"] == 2
    assert next(path.partition("?")[0] for path in paths(server)) == "/graphql"


def test_a_deleted_comment_becomes_a_tombstone_in_the_next_run(server: SampleServer, collect: Collect) -> None:
    collect()
    gone = IssueComment.objects.earliest("pk")
    version = Document.objects.get(external_id__endswith=f":{gone.issue_number}").version
    server.delete_comment(gone.pk, at=LATER)
    collect()
    assert IssueComment.objects.get(pk=gone.pk).deleted_at
    assert Activity.objects.get(external_id=f"github:issue_comment:{gone.pk}").deleted_at
    assert Document.objects.get(external_id__endswith=f":{gone.issue_number}").version > version


def test_a_deleted_issue_becomes_a_tombstone_with_all_that_is_under_it(server: SampleServer, collect: Collect) -> None:
    collect()
    number = IssueComment.objects.earliest("pk").issue_number
    server.delete_issue(number)
    collect()
    assert Issue.objects.get(number=number).deleted_at
    assert not IssueComment.objects.filter(issue_number=number, deleted_at=None).exists()
    assert not Activity.objects.filter(thread__endswith=f":{number}", deleted_at=None).exists()


def test_reconciling_finds_what_leaves_no_trace(server: SampleServer, collect: Collect) -> None:
    collect()
    gone = ReviewComment.objects.earliest("pk")
    server.delete_review_comment(gone.pk)
    collect("--reconcile")
    assert ReviewComment.objects.get(pk=gone.pk).deleted_at


@pytest.mark.slow
def test_reconciling_twice_changes_nothing(server: SampleServer, collect: Collect) -> None:
    del server
    collect("--reconcile")
    before = list(Activity.objects.order_by("pk").values_list())
    collect("--reconcile")
    assert list(Activity.objects.order_by("pk").values_list()) == before
    assert not Activity.objects.exclude(deleted_at=None).exists()


def test_an_edit_keeps_the_earlier_text(server: SampleServer, collect: Collect) -> None:
    collect()
    comment = IssueComment.objects.earliest("pk")
    server.edit_comment(comment.pk, "other words", at=LATER)
    collect()
    collect()
    assert list(Revision.objects.values_list("kind", "object_id", "body")) == [
        ("issue_comment", comment.pk, comment.body)
    ]


def test_a_former_login_is_remembered(server: SampleServer, collect: Collect) -> None:
    collect()
    account = Account.objects.exclude(issuecomments=None).earliest("pk")
    server.rename_account(account.pk, "newly-named")
    collect("--reconcile")
    assert Account.objects.get(pk=account.pk).login == "newly-named"
    assert FormerLogin.objects.get().login == account.login


def test_without_points_rest_goes_on_and_the_run_is_partial(server: SampleServer, collect: Collect) -> None:
    server.set_quota("sample", remaining=0, resource="graphql")
    result = collect()
    assert result["outcome"] == "partial"
    assert Issue.objects.exists()
    assert IssueComment.objects.exists()
    assert not PullRequest.objects.exists()
    assert Scope.objects.get().not_before
    server.set_quota("sample", remaining=5000, resource="graphql")
    assert collect()["outcome"] == "succeeded"
    assert PullRequest.objects.exists()


def test_what_is_left_of_a_quota_is_shared(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    stored = dict(ApiBudget.objects.filter(account="sample").values_list("resource", "remaining"))
    assert stored["core"] < 5000
    assert stored["graphql"] < 5000


def test_without_a_token_what_needs_one_is_a_counted_skip(
    server: SampleServer, collect: Collect, settings: Any
) -> None:
    del server
    settings.GITHUB_TOKENS = []
    assert collect()["outcome"] == "partial"
    assert set(SkippedItem.objects.values_list("stream", "reason")) >= {("pulls", "needs_token")}
    assert Issue.objects.exists()


def test_labels_are_whole_lists(server: SampleServer, collect: Collect) -> None:
    collect()
    stored = set(Label.objects.filter(deleted_at=None).values_list("name", flat=True))
    repo = next(iter(server.community.repositories.values()))
    assert stored == set(repo.labels)


def output_of(*arguments: str) -> str:
    """Return the output of a command."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_an_estimate_collects_nothing(server: SampleServer) -> None:
    name = server.truth()["full_name"]
    assert "at most" in output_of("collect_github", name, "--estimate")
    assert not Issue.objects.exists()


@pytest.mark.slow
def test_the_audit_agrees_after_a_collection(server: SampleServer, collect: Collect) -> None:
    collect()
    name = server.truth()["full_name"]
    assert "differs" not in output_of("audit_github", name)
    server.add_comment(next(iter(server.truth()["issues"])), "one more", at=LATER)
    assert "issue_comments" in next(line for line in output_of("audit_github", name).splitlines() if "differs" in line)
