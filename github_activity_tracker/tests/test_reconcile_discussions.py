"""Tests of reconciliation that finds missing discussions and replies."""

import pytest

from core.models import Activity, Document
from github_activity_tracker.models import Discussion, DiscussionComment
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_discussions import expected_bodies, server, stored_bodies
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
server = server


def live_documents() -> set[str]:
    """Return the external ids of the documents of discussions that are not marked as deleted."""
    found = Document.objects.filter(kind="discussion", deleted_at=None)
    return set(found.values_list("external_id", flat=True))


def test_a_discussion_that_was_marked_deleted_is_live_again_when_github_shows_it(
    server: SampleServer, collect: Collect
) -> None:
    collect()
    before, activities = live_documents(), Activity.objects.filter(deleted_at=None).count()
    discussions = server.community.repository(str(server.truth()["full_name"])).discussions
    hidden = discussions.pop(38)
    collect()
    assert stored_bodies()["discussions"].keys() == expected_bodies(server)["discussions"].keys()
    assert live_documents() < before
    discussions[38] = hidden
    collect()
    assert stored_bodies() == expected_bodies(server)
    assert (live_documents(), Activity.objects.filter(deleted_at=None).count()) == (before, activities)


def test_missing_discussions_comments_and_replies_are_fetched_by_reconcile(
    server: SampleServer, collect: Collect
) -> None:
    collect()
    Discussion.objects.filter(number=39).delete()
    DiscussionComment.objects.filter(discussion_number=38).exclude(reply_to_id=None).delete()
    DiscussionComment.objects.filter(discussion_number=40).delete()
    collect("--reconcile")
    assert stored_bodies() == expected_bodies(server)
