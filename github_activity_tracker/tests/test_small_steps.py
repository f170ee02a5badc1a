"""Tests that the first pages after an interrupted run are small, so that a short run can store some data."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from core.models import CollectorRun
from github_activity_tracker.models import Timeline
from samples.server import SampleServer

pytestmark = pytest.mark.django_db(transaction=True)
STREAMS = ("--streams", "issues,issue_timelines")


def queries(server: SampleServer) -> int:
    return sum("graphql" in request.path for request in server.requests)


@pytest.mark.parametrize(("outcome", "more"), [("interrupted", 4), ("failed", 0), ("partial", 0)])
def test_only_after_a_run_that_was_cut_off_pages_are_small_at_first(
    server: SampleServer, collect: Callable[..., dict[str, Any]], outcome: str, more: int
) -> None:
    collect(*STREAMS)  # this run also reads the schema
    server.reset_log()
    collect(*STREAMS, "--full")
    usual, timelines = queries(server), Timeline.objects.count()
    CollectorRun.objects.create(
        collector="github", host="h", pid=1, started_at=timezone.now(), finished_at=timezone.now(), outcome=outcome
    )
    server.reset_log()
    collect(*STREAMS, "--full")
    assert queries(server) == usual + more  # 5, 10, 20, 40 and the remaining items, instead of one large page
    assert Timeline.objects.count() == timelines
