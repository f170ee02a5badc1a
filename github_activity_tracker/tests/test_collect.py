"""Tests of complete runs. They compare the database with the content of the sample server."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError

from core.errors import ConfigurationError
from core.models import Activity, Checkpoint, CollectorRun, Document, SkippedItem
from github_activity_tracker.collector import streams
from github_activity_tracker.models import Issue, IssueComment, Repository, ReviewComment
from github_activity_tracker.store.pages import store_page
from samples.server import SampleServer
from tests.support.slow_variants import quick

pytestmark = pytest.mark.django_db(transaction=True)
LATER = "2020-06-01T00:00:00Z"
Collect = Callable[..., dict[str, Any]]


def stored_bodies() -> dict[str, dict[int, str]]:
    """Return the bodies of the rows that are not marked as deleted, by stream, then by number or id."""
    alive = {"deleted_at": None}
    return {
        "issues": {i.number: i.body or "" for i in Issue.objects.filter(**alive)},
        "issue_comments": {c.pk: c.body or "" for c in IssueComment.objects.filter(**alive)},
        "review_comments": {c.pk: c.body or "" for c in ReviewComment.objects.filter(**alive)},
    }


def move(server: SampleServer, ids: list[int]) -> None:
    """Edit comments, so that they move to the end of the list, which is in the order of ``updated_at``."""
    for comment in ids:
        server.edit_comment(comment, "moved", at=LATER)


def expected_bodies(server: SampleServer) -> dict[str, dict[int, str]]:
    """Return the bodies on the server, by stream, then by number or id.

    U+FFFD replaces U+0000, which PostgreSQL cannot store.
    """
    truth: Any = server.truth()
    return {
        stream: {key: (post["body"] or "").replace("\0", "\ufffd") for key, post in truth[stream].items()}
        for stream in ("issues", "issue_comments", "review_comments")
    }


def fingerprint() -> list[Any]:
    """Return the rows that a second run must not change."""
    return [
        *Activity.objects.order_by("pk").values_list(),
        *Document.objects.order_by("pk").values_list("external_id", "version", "deleted_at"),
        *Issue.objects.order_by("pk").values_list(),
        *IssueComment.objects.order_by("pk").values_list(),
    ]


def test_everything_is_kept(server: SampleServer, collect: Collect) -> None:
    result = collect()
    assert stored_bodies() == expected_bodies(server)
    assert (result["outcome"], result["skipped"]) == ("succeeded", 0)
    posts = Activity.objects.exclude(activity_type__startswith="github.event.")
    assert posts.exclude(activity_type="github.review").count() == sum(len(rows) for rows in stored_bodies().values())


def test_a_second_run_changes_nothing_and_asks_little(server: SampleServer, collect: Collect) -> None:
    collect()
    before = fingerprint()
    server.reset_log()
    collect()
    assert fingerprint() == before
    assert len(server.requests) <= 8


def test_edits_and_new_things_arrive_with_the_next_run(server: SampleServer, collect: Collect) -> None:
    collect()
    comment = next(iter(server.truth()["issue_comments"]))
    number = next(iter(server.truth()["issues"]))
    server.edit_comment(comment, "edited later", at=LATER)
    server.edit_issue(number, body="another body", at=LATER)
    server.add_comment(number, "a new comment", at=LATER)
    collect()
    assert stored_bodies() == expected_bodies(server)


@pytest.mark.slow
def test_an_edit_between_two_pages_loses_nothing(server: SampleServer, collect: Collect) -> None:
    first = list(server.truth()["issue_comments"])[:40]
    for place in range(1, 4):
        ids = first[place * 10 - 10 : place * 10]
        server.before(r"issues/comments", partial(move, server, ids), skip=place)
    collect()
    collect()
    assert stored_bodies() == expected_bodies(server)


def test_pages_that_the_database_refuses_together_are_written_one_by_one(
    server: SampleServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store_page
    together: list[int] = []

    def particular(model: Any, page: Any, **more: Any) -> Any:
        together.append(len(page.records))
        if len(page.records) > 100:  # a page of GitHub has at most 100 records, so these are several pages
            raise DataError("a value is out of range")
        return write(model, page, **more)

    monkeypatch.setattr(streams, "store_page", particular)
    monkeypatch.setattr(streams, "prefetch_batches", lambda pages, **_: iter([list(pages)]))
    collect()
    assert max(together) > 100
    assert stored_bodies() == expected_bodies(server)


def test_an_instant_with_more_comments_than_a_page_is_read_whole(server: SampleServer, collect: Collect) -> None:
    for comment in list(server.truth()["issue_comments"])[:250]:
        server.edit_comment(comment, "at once", at="2026-01-01T00:00:00Z")
    collect()
    assert stored_bodies() == expected_bodies(server)


@pytest.mark.parametrize("kind", quick(["500", "502", "503", "504", "reset", "truncated", "html"], "502", "truncated"))
def test_a_passing_fault_is_overcome(server: SampleServer, collect: Collect, kind: str) -> None:
    server.fail(kind, 4)
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)


def test_a_short_limit_is_waited_for(server: SampleServer, collect: Collect) -> None:
    server.fail("secondary", 3, retry_after=1)
    assert collect()["outcome"] == "succeeded"


@pytest.mark.slow
def test_a_long_limit_ends_the_run_as_partial_and_the_next_goes_on(server: SampleServer, collect: Collect) -> None:
    server.fail("primary", 4, reset_in=3600)
    result = collect()
    assert result["outcome"] == "partial"
    assert "limit" in result["scopes"][0]["reason"]
    server.set_quota("sample", remaining=5000)
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)


def test_a_budget_of_requests_stops_cleanly_and_the_next_run_goes_on(server: SampleServer, collect: Collect) -> None:
    assert collect("--max-requests", "3")["outcome"] == "partial"
    assert len(server.requests) <= 3
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)


def test_a_token_that_is_revoked_half_way_stops_the_run_and_keeps_what_was_read(
    server: SampleServer, collect: Collect
) -> None:
    server.fail("revoke", 9)
    result = collect()
    assert "GITHUB_TOKENS" in result["scopes"][0]["reason"]
    assert server.token() not in str(result)
    assert Issue.objects.exists()
    run = CollectorRun.objects.latest("started_at")
    assert (run.outcome, run.failure_category) == ("partial", "auth")


def test_an_unknown_repository_is_a_skip_and_stops_no_other(server: SampleServer, collect: Collect) -> None:
    result = collect("nobody/nothing", server.truth()["full_name"])
    assert result["outcome"] == "partial"
    assert {scope["scope"]: scope["outcome"] for scope in result["scopes"]}["nobody/nothing"] == "failed"
    assert SkippedItem.objects.get().reason == "not_found"
    assert stored_bodies() == expected_bodies(server)


def test_a_malformed_item_is_set_aside_and_stops_nothing(server: SampleServer, collect: Collect) -> None:
    server.fail("null", r"/issues\?", key="created_at", item=0)
    result = collect()
    assert result["outcome"] == "partial"
    assert SkippedItem.objects.get().reason == "malformed"
    assert (
        len(stored_bodies()["issues"]) >= len(expected_bodies(server)["issues"]) - 1
    )  # the missing issue may have been fetched separately
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    assert SkippedItem.objects.get().cleared_at


def test_a_renamed_repository_goes_on_under_its_id(server: SampleServer, collect: Collect) -> None:
    old = server.truth()["full_name"]
    collect(old)
    server.rename_repository("other-name")
    collect(old)
    repository = Repository.objects.get()
    assert repository.full_name.endswith("/other-name")
    assert Activity.objects.first().scope.name == repository.full_name  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_renamed_account_is_renamed_on_the_timeline(server: SampleServer, collect: Collect) -> None:
    collect()
    activity = Activity.objects.exclude(actor_external_id="").first()
    assert activity is not None
    comment = IssueComment.objects.filter(author_id=int(activity.actor_external_id)).first()
    assert comment is not None
    server.rename_account(int(activity.actor_external_id), "newly-named")
    server.edit_comment(comment.pk, "makes the account appear again", at=LATER)
    collect()
    names = Activity.objects.filter(actor_external_id=activity.actor_external_id).values_list("actor_name", flat=True)
    assert set(names) == {"newly-named"}


def test_nothing_to_collect_says_what_to_do(settings: Any) -> None:
    settings.GITHUB_REPOS = []
    with pytest.raises(ConfigurationError, match="GITHUB_REPOS"):
        call_command("collect_github", "--no-sync")


def test_a_checkpoint_is_saved_for_every_stream(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    streams = set(Checkpoint.objects.values_list("stream", flat=True))
    assert {"issues", "issue_comments", "review_comments"} <= streams
