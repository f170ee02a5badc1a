"""Tests of skips that record a time for which GitHub did not return all items.

Such a skip stays open until a comparison finds that no item is missing.
"""

import pytest

from core.ingest.skips import record_skip
from core.models import SkippedItem
from github_activity_tracker.models import Repository
from github_activity_tracker.tests.test_collect import Collect
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def waiting() -> set[str]:
    return set(SkippedItem.objects.filter(cleared_at=None).values_list("external_id", flat=True))


def test_an_instant_that_was_not_served_whole_waits_for_a_comparison(server: SampleServer, collect: Collect) -> None:
    del server
    collect()
    names = {f"{stream}@2020-01-01T00:00:00Z": stream for stream in ("issues", "issue_comments", "review_comments")}
    scope = str(Repository.objects.get().pk)
    for name, stream in names.items():
        record_skip(
            collector="github", scope=scope, stream=stream, external_id=name, reason="incomplete", detail="a part"
        )
    collect()
    assert waiting() == set(names)
    collect("--reconcile")
    assert waiting() == set()
