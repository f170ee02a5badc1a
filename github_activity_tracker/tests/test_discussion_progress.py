"""Tests of long discussions that are collected in several runs with few requests each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from github_activity_tracker.models import DiscussionComment
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_progress import in_steps
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
LATER = "2026-06-01T00:00:00Z"


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[SampleServer]:
    """Yield a server for the sample community, which contains discussions. The settings point to the server."""
    with SampleServer() as running:
        settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = running.url
        settings.GITHUB_TOKENS = [running.token()]
        settings.WORKSPACE_DIR = tmp_path
        yield running


def bodies(server: SampleServer) -> dict[int, str]:
    truth: Any = server.truth()
    return {key: post["body"] for key, post in truth["discussion_comments"].items()}


@pytest.mark.parametrize(("comments", "replies"), [(330, 0), (2, 230)])
def test_a_long_discussion_is_read_over_several_runs(
    server: SampleServer, collect: Collect, comments: int, replies: int
) -> None:
    for n in range(comments):
        last = server.add_discussion_comment(40, f"comment {n}", at=LATER)
    for n in range(replies):
        server.add_discussion_comment(40, f"reply {n}", reply_to=last, at=LATER)
    assert in_steps(collect, "--streams", "discussions", requests=4) > 1
    stored = dict(DiscussionComment.objects.filter(deleted_at=None).values_list("pk", "body"))
    assert stored == bodies(server)
