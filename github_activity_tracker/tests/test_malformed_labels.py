"""Tests that the next complete list clears the skip of a label that is no longer malformed."""

from typing import Any

import pytest

from core.models import SkippedItem
from github_activity_tracker.models import Label
from github_activity_tracker.tests.test_collect import Collect
from github_activity_tracker.tests.test_discussions import server as sample_server
from github_activity_tracker.tests.test_isolation import Spoil
from github_activity_tracker.tests.test_isolation import spoil as spoil
from samples.server import SampleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
server = sample_server


def test_a_malformed_label_that_is_right_again_is_stored_and_its_skip_cleared(
    server: SampleServer, collect: Collect, spoil: Spoil
) -> None:
    del server

    def odd(answer: Any) -> Any:
        return [{**answer[0], "id": "x"}, *answer[1:]]

    spoil("/labels", odd)
    labels = ("--streams", "labels", "--full")
    assert collect(*labels)["outcome"] == "partial"
    count = Label.objects.count()
    assert SkippedItem.objects.filter(cleared_at=None, stream="labels", reason="malformed").count() == 1
    spoil("/labels", lambda answer: answer)
    assert collect(*labels)["outcome"] == "succeeded"
    assert Label.objects.count() == count + 1
    assert not SkippedItem.objects.filter(cleared_at=None).exists()
