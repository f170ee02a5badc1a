"""Tests of reconciliation. Missing items are fetched, and items that exist again are no longer marked as deleted."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from core.ingest.skips import request_retry
from core.models import Activity, Checkpoint, Document, SkippedItem
from github_activity_tracker.fetch.client import open_client
from github_activity_tracker.fetch.reconcile import find_absent_nodes
from github_activity_tracker.models import (
    Account,
    FormerLogin,
    Issue,
    IssueComment,
    PullRequest,
    Review,
    ReviewComment,
    TimelineEvent,
)
from github_activity_tracker.store import reconcile as stored_again
from github_activity_tracker.tests import test_twin
from github_activity_tracker.tests.test_collect import Collect
from tests.support.github_twin import SPARSE, Twin, differences

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.twin,
    pytest.mark.slow,
]
collect = test_twin.collect
server = test_twin.server
OLD = "2021-03-04T05:06:07Z"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = Twin(tmp_path_factory.mktemp("twin"), SPARSE)
    yield running
    running.stop()


def change(server: Twin, op: str, **order: Any) -> dict[str, Any]:
    """Change the data of the twin, and return the twin's description of the change."""
    return server.call("mutate", {"op": op, "repo": server.name, **order})["results"][0]


def requests(server: Twin, part: str) -> int:
    """Return how many of the last 500 requests contain a text in their path."""
    return sum(part in str(one.get("path", "")) for one in server.call("log?last=500")["log"])


def most_talkative(model: Any, *, opened: bool) -> Account:
    """Return the user who wrote the most items of a model.

    With ``opened``, only users who opened an issue are considered. Without it, only users who did not.
    """
    people = Account.objects.filter(kind="User", **{f"{model.__name__.lower()}s__isnull": False}).distinct()
    people = people.filter(issues__isnull=not opened).distinct()
    return max(people, key=lambda one: model.objects.filter(author=one).count())


@pytest.mark.parametrize(("issues", "comments"), [(1, 2), (3, 110)])
def test_issues_that_are_transferred_in_bring_their_old_comments(
    server: Twin, collect: Collect, issues: int, comments: int
) -> None:
    collect()
    for place in range(issues):
        talk = [{"user": "someone", "body": f"{place} {n}", "at": OLD} for n in range(comments)]
        change(server, "transfer_in", title="moved here", created_at="2020-01-01T00:00:00Z", comments=talk)
    assert collect()["outcome"] == "succeeded"
    assert differences(server.truth()) == {}
    assert not SkippedItem.objects.filter(cleared_at=None).exists()


def test_imported_issues_and_pull_requests_with_old_dates_are_fetched(server: Twin, collect: Collect) -> None:
    collect()
    change(server, "add_issue", title="imported", at=OLD)
    number = change(server, "add_pull", title="imported too", at=OLD)["number"]
    change(server, "add_comment", number=number, body="old words", at=OLD)
    change(server, "add_review", number=number, at=OLD, comments=[{"body": "here", "path": "a.cpp"}])
    result = collect()
    assert differences(server.truth()) == {}
    assert (result["counts"]["issues_restored"], result["counts"]["pulls_restored"]) == (1, 1)
    assert result["counts"]["reconcile_requests"] <= 8


def test_what_a_flagged_account_wrote_goes_and_returns_with_all_that_belongs_to_it(
    server: Twin, collect: Collect
) -> None:
    collect()
    author = most_talkative(Issue, opened=True)
    before = set(Activity.objects.filter(deleted_at=None).values_list("external_id", flat=True))
    documents = set(Document.objects.filter(deleted_at=None).values_list("external_id", flat=True))
    server.call("mutate", {"op": "flag_user", "login": author.login})
    collect()
    assert differences(server.truth()) == {}
    assert Issue.objects.filter(author=author).exclude(deleted_at=None).exists()
    server.call("mutate", {"op": "flag_user", "login": author.login, "flagged": False})
    collect()
    assert differences(server.truth()) == {}
    assert set(Activity.objects.filter(deleted_at=None).values_list("external_id", flat=True)) == before
    assert set(Document.objects.filter(deleted_at=None).values_list("external_id", flat=True)) == documents


def test_comments_of_an_account_that_opened_nothing_return_with_reconcile(server: Twin, collect: Collect) -> None:
    collect()
    author = most_talkative(IssueComment, opened=False)
    names = set(Activity.objects.filter(deleted_at=None).values_list("external_id", "actor_external_id"))
    for flagged in (True, False):
        server.call("mutate", {"op": "flag_user", "login": author.login, "flagged": flagged})
        collect("--reconcile")
        assert differences(server.truth()) == {}
        assert bool(Account.objects.get(pk=author.pk).deleted_at) == flagged
    assert set(Activity.objects.filter(deleted_at=None).values_list("external_id", "actor_external_id")) == names


def test_once_a_week_a_changed_repository_is_compared_without_being_asked_to(server: Twin, collect: Collect) -> None:
    collect()
    author = most_talkative(IssueComment, opened=False)
    server.call("mutate", {"op": "flag_user", "login": author.login})
    wake(server)
    collect()
    assert differences(server.truth()) != {}
    state = Checkpoint.objects.get(stream="reconcile")
    state.extras["compared_at"] = (timezone.now() - timedelta(days=8)).isoformat()
    state.save()
    wake(server)
    collect()
    assert differences(server.truth()) == {}


@pytest.mark.parametrize("flag", ["has_pull_requests", "has_issues"])
def test_what_is_switched_off_is_not_deleted(server: Twin, collect: Collect, flag: str) -> None:
    collect()
    live = Activity.objects.filter(deleted_at=None).count()
    change(server, "set_repo", **{flag: False})
    collect("--reconcile")
    assert Activity.objects.filter(deleted_at=None).count() == live
    change(server, "set_repo", **{flag: True})
    collect("--reconcile")
    assert differences(server.truth()) == {}


@pytest.mark.parametrize("kind", ["NOT_FOUND", "FORBIDDEN", None])
def test_an_answer_that_is_not_clear_marks_nothing_deleted(server: Twin, collect: Collect, kind: str | None) -> None:
    collect()
    live = Activity.objects.filter(deleted_at=None).count()
    gone = IssueComment.objects.filter(deleted_at=None).earliest("pk")
    change(server, "delete_comment", id=gone.pk, touch=False)
    rule = {"kind": "graphql_null", "at": r"^nodes\.\d+$", "limit": 3, "type": kind}
    server.call("faults", {"rules": [rule]})
    collect("--reconcile")
    server.call("faults", {"rules": []})
    assert Activity.objects.filter(deleted_at=None).count() >= live - 1
    assert not Account.objects.exclude(deleted_at=None).exists()
    assert {one for found in differences(server.truth()).values() for one in found} <= {f"+{gone.pk}"}


def test_an_id_is_asked_about_twice_before_it_counts_as_gone(server: Twin, collect: Collect) -> None:
    collect()
    ids = list(IssueComment.objects.order_by("pk").values_list("node_id", flat=True)[:5])
    change(server, "delete_comment", id=IssueComment.objects.get(node_id=ids[2]).pk)
    client = open_client()
    server.call("faults", {"rules": [{"kind": "graphql_null", "at": r"^nodes\.[01]$", "type": "NOT_FOUND"}]})
    assert find_absent_nodes(client, ids, server.name) == [ids[2]]
    server.call("faults", {"rules": []})


def withhold_comments(server: Twin) -> int:
    """Add an issue with comments that the twin counts but does not return. Return the number of the issue."""
    talk = [{"user": "someone", "body": "old", "at": OLD}] * 2
    made = change(server, "transfer_in", title="moved here", created_at="2020-01-01T00:00:00Z", comments=talk)
    rule = {"kind": "404", "path": rf"/issues/{made['number']}/comments"}
    server.call("faults", {"rules": [rule]})
    return int(made["number"])


def wake(server: Twin) -> None:
    """Make an unrelated change, so that the next run reads the repository."""
    change(server, "add_issue", title="unrelated")


def test_what_is_counted_and_not_delivered_is_asked_for_with_growing_pauses(server: Twin, collect: Collect) -> None:
    collect()
    number = withhold_comments(server)
    path = f"/issues/{number}/comments"
    asked: list[int] = []

    def run() -> None:
        wake(server)
        before = requests(server, path)
        assert collect()["outcome"] == "succeeded"
        asked.append(requests(server, path) - before)

    run()
    gap = SkippedItem.objects.get(stream="issue_comments", external_id=f"issue_comments:{number}")
    assert (gap.reason, gap.payload) == ("not_delivered", {"github": 2, "stored": 0})
    run()  # too early for the next attempt
    SkippedItem.objects.update(last_seen_at=F("last_seen_at") - timedelta(days=2))
    run()
    SkippedItem.objects.update(last_seen_at=F("last_seen_at") - timedelta(days=2))
    run()  # the second pause is longer
    request_retry(SkippedItem.objects.all())
    run()
    assert asked == [1, 0, 1, 0, 1]
    server.call("faults", {"rules": []})
    request_retry(SkippedItem.objects.all())
    run()
    assert SkippedItem.objects.get(pk=gap.pk).cleared_at
    assert differences(server.truth()) == {}


def test_a_thread_returns_whole_or_not_at_all(server: Twin, collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    collect()
    number = change(server, "add_pull", title="imported", at=OLD)["number"]
    change(server, "add_comment", number=number, body="old words", at=OLD)
    with monkeypatch.context() as patch:
        patch.setattr(stored_again, "store_threads", killed)
        with pytest.raises(KeyboardInterrupt):
            collect()
    assert not Issue.objects.filter(number=number).exists()
    assert not IssueComment.objects.filter(issue_number=number).exists()
    collect()
    assert PullRequest.objects.filter(number=number).exists()
    assert differences(server.truth()) == {}


def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def audited(server: Twin) -> dict[str, str]:
    """Return the last column of the ``audit_github`` table by stream. Streams without a difference are omitted."""
    out = StringIO()
    call_command("audit_github", server.name, stdout=out)
    lines = [line.split(maxsplit=5) for line in out.getvalue().splitlines()[1:]]
    return {line[1]: line[5] for line in lines if len(line) > 5}


def test_the_audit_compares_stored_rows_and_reconcile_repairs_them(server: Twin, collect: Collect) -> None:
    collect()
    assert audited(server) == {}
    event, review = TimelineEvent.objects.earliest("pk"), Review.objects.earliest("pk")
    remark = ReviewComment.objects.earliest("pk")
    for row in (event, review, remark):
        row.delete()
    issue = Issue.objects.filter(is_pull_request=False).earliest("pk")
    issue.delete()
    assert audited(server) == {
        "events": f"differs: #{event.number}", "reviews": f"differs: #{review.pull_number}",
        "review_comments": f"differs: #{remark.pull_number}", "issues": f"differs: #{issue.number}",
    }  # fmt: skip
    collect("--reconcile")
    assert audited(server) == {}
    assert differences(server.truth()) == {}


def test_rows_that_an_operator_deleted_stay_away_once_the_audit_accepted_them(server: Twin, collect: Collect) -> None:
    collect()
    comment, issue = IssueComment.objects.earliest("pk"), Issue.objects.filter(is_pull_request=False).latest("pk")
    comment.delete()
    issue.delete()
    call_command("audit_github", server.name, "--accept", stdout=StringIO())
    assert audited(server) == {"issue_comments": "known: 1 accepted", "issues": "known: 1 accepted"}
    collect("--reconcile")
    assert not IssueComment.objects.filter(pk=comment.pk).exists()
    assert not Issue.objects.filter(pk=issue.pk).exists()
    request_retry(SkippedItem.objects.all())
    collect("--reconcile")
    assert differences(server.truth()) == {}


def test_a_gap_with_a_reason_is_known_to_the_audit(server: Twin, collect: Collect) -> None:
    collect()
    withhold_comments(server)
    collect()
    assert audited(server) == {"issue_comments": "known: 1 not delivered"}
    server.call("faults", {"rules": []})


@pytest.mark.parametrize("limit", [5, 8])
def test_a_comparison_that_is_limited_continues_in_the_next_run(server: Twin, collect: Collect, limit: int) -> None:
    collect()
    numbers = list(IssueComment.objects.order_by("issue_number").values_list("issue_number", flat=True).distinct()[:4])
    IssueComment.objects.filter(issue_number__in=numbers).delete()
    TimelineEvent.objects.filter(number__in=numbers).delete()
    Review.objects.all().delete()
    runs = 0
    while collect("--reconcile", "--max-requests", str(limit))["outcome"] != "succeeded":
        runs += 1
        assert runs < 40
    collect()
    assert differences(server.truth()) == {}


def test_two_logins_of_one_account_are_no_rename(server: Twin, collect: Collect) -> None:
    pulls = server.truth()["pulls"]["numbers"]
    change(server, "add_copilot", number=pulls[0])
    collect()

    def versions() -> list[Any]:
        return list(Document.objects.order_by("pk").values_list("pk", "version"))

    before = versions()
    collect("--reconcile")
    collect("--full")
    assert versions() == before
    change(server, "add_copilot", number=pulls[1])
    collect()
    assert not FormerLogin.objects.exists()
    bot = Account.objects.get(kind="Bot", logins__graphql__isnull=False, logins__review_comments__isnull=False)
    assert len(set(bot.logins.values())) == 2
    names = Activity.objects.filter(actor_external_id=str(bot.pk)).values_list("actor_name", flat=True)
    assert set(names) == {bot.login}


def test_authorship_outlives_a_deleted_account(server: Twin, collect: Collect, tmp_path: Path) -> None:
    del tmp_path
    collect()
    author = most_talkative(IssueComment, opened=True)
    wrote = Activity.objects.filter(actor_external_id=str(author.pk)).count()
    server.call("mutate", {"op": "delete_user", "login": author.login})
    collect("--reconcile")
    collect("--full")
    assert Account.objects.get(pk=author.pk).deleted_at
    assert Activity.objects.filter(actor_external_id=str(author.pk), actor_name=author.login).count() == wrote
