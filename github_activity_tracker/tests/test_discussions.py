"""Tests of discussions: collection, timeline, documents and export."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity, Document, SkippedItem
from github_activity_tracker.documents import GitHubDocuments
from github_activity_tracker.models import Discussion, DiscussionComment, Review, Revision
from github_activity_tracker.tests.test_collect import Collect
from samples import SAMPLE_REPOSITORY
from samples.server import SampleServer
from tests.support.slow_variants import quick

pytestmark = pytest.mark.django_db(transaction=True)
LATER = "2026-06-01T00:00:00Z"


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SampleServer]:
    """Yield a server for the sample community, which contains discussions. The settings point to the server."""
    with SampleServer() as running:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = running.url
        settings.GITHUB_TOKENS = [running.token()]
        settings.WORKSPACE_DIR = tmp_path
        yield running


def stored_bodies() -> dict[str, dict[int, str]]:
    """Return the bodies of the rows that are not marked as deleted, by stream, then by number or id."""
    return {
        "discussions": dict(Discussion.objects.filter(deleted_at=None).values_list("number", "body")),
        "discussion_comments": dict(DiscussionComment.objects.filter(deleted_at=None).values_list("pk", "body")),
    }


def expected_bodies(server: SampleServer) -> dict[str, dict[int, str]]:
    """Return the bodies on the server, by stream, then by number or id."""
    truth: Any = server.truth()
    return {stream: {key: post["body"] for key, post in truth[stream].items()} for stream in stored_bodies()}


def test_discussions_are_kept_with_comments_replies_answer_and_reactions(
    server: SampleServer, collect: Collect
) -> None:
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    asked = Discussion.objects.get(number=38)
    answer = DiscussionComment.objects.get(is_answer=True)
    assert (asked.category, asked.answer_id, asked.upvotes, asked.labels) == ("Q&A", answer.pk, 4, ["question"])
    assert (asked.reactions, answer.reactions) == ({"+1": 2, "heart": 1}, {"rocket": 1})
    assert DiscussionComment.objects.filter(reply_to_id=answer.pk).count() == 2
    assert Discussion.objects.get(number=40).state_reason == "RESOLVED"


def test_reactions_to_reviews_are_counted_where_there_are_any(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    thanks = Review.objects.filter(body="Thank you!")
    assert thanks.exists()
    assert all(review.reactions == {"heart": 2, "eyes": 1} for review in thanks)
    assert not Review.objects.exclude(body="Thank you!").exclude(reactions={}).exists()


def test_a_second_run_changes_nothing(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    before = list(Discussion.objects.values_list()), list(Activity.objects.order_by("pk").values_list())
    collect("--full")
    assert (list(Discussion.objects.values_list()), list(Activity.objects.order_by("pk").values_list())) == before


def test_what_happens_later_arrives_with_the_next_run(server: SampleServer, collect: Collect) -> None:
    collect()
    first = DiscussionComment.objects.filter(discussion_number=40).earliest("pk")
    server.edit_discussion_comment(first.pk, "Two bands.", at=LATER)
    server.edit_discussion(39, "A month on one sheet.", at=LATER)
    comment = server.add_discussion_comment(40, "Which colour?", reply_to=first.pk, at=LATER)
    server.add_discussion("Where do you sail?", category="General", at=LATER)
    server.choose_answer(comment, at=LATER)
    collect()
    assert stored_bodies() == expected_bodies(server)
    assert DiscussionComment.objects.get(pk=comment).is_answer
    assert set(Revision.objects.values_list("kind", flat=True)) >= {"discussion", "discussion_comment"}


def test_a_deleted_discussion_is_found_by_its_total(server: SampleServer, collect: Collect) -> None:
    collect()
    server.delete_discussion(38)
    collect()
    assert stored_bodies() == expected_bodies(server)
    assert not Activity.objects.filter(thread__endswith=":discussion:38", deleted_at=None).exists()
    assert Activity.objects.filter(activity_type="github.discussion").exclude(deleted_at=None).count() == 1
    assert Document.objects.get(kind="discussion", external_id__endswith=":38").deleted_at


@pytest.mark.slow
def test_a_deleted_comment_is_found_by_reconciling(server: SampleServer, collect: Collect) -> None:
    collect()
    gone = DiscussionComment.objects.filter(is_answer=True).get()
    server.delete_discussion_comment(gone.pk)
    collect("--reconcile")
    assert stored_bodies() == expected_bodies(server)
    assert Activity.objects.get(external_id=f"github:discussion_comment:{gone.pk}").deleted_at


def test_the_document_shows_the_talk(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    name = Document.objects.get(kind="discussion", external_id__endswith=":38").external_id
    (document,) = GitHubDocuments().render([name])
    assert document.title.startswith("Which gauges do you trust")
    assert "bucket of water" in " ".join(passage.text for passage in document.passages)


@pytest.mark.slow
def test_the_export_has_them(server: SampleServer, collect: Collect) -> None:
    collect()
    out = StringIO()
    call_command("export_activity", "--scope", SAMPLE_REPOSITORY, "--bodies", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().rstrip("\n").split("\n")]
    bodies = {row["body"] for row in rows if row["activity_type"] == "github.discussion_comment"}
    assert bodies == set(expected_bodies(server)["discussion_comments"].values())


@pytest.mark.parametrize("kind", quick(["502", "reset", "truncated", "secondary"], "reset"))
def test_a_fault_in_the_middle_of_them_is_overcome(server: SampleServer, collect: Collect, kind: str) -> None:
    details = {"retry_after": 1} if kind == "secondary" else {}
    server.fail(kind, r"/graphql", skip=4, times=2, **details)
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)


def test_one_that_was_malformed_is_tried_again_when_somebody_asks(server: SampleServer, collect: Collect) -> None:
    topic = server.community.repository(SAMPLE_REPOSITORY).discussions[39]
    moment, topic.created_at = topic.created_at, "never"
    assert collect()["outcome"] == "partial"
    assert stored_bodies()["discussions"].keys() == expected_bodies(server)["discussions"].keys() - {39}
    topic.created_at = moment
    assert collect()["outcome"] == "succeeded"
    assert stored_bodies() == expected_bodies(server)
    assert SkippedItem.objects.get(stream="discussions").cleared_at
