"""Tests of the daily digest, and of messages that are too old to be posted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import Alert, Notice
from core.monitoring.delivery import deliver
from core.monitoring.digest import digest_lines
from core.operations.slack_ops import SlackClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("scope", "line"), [("", "github: auth"), ("owner/name", "github owner/name: auth")])
def test_an_alert_of_the_whole_run_has_no_scope_in_the_digest(scope: str, line: str) -> None:
    now = timezone.now()
    Alert.objects.create(kind="run", collector="github", scope=scope, category="auth", opened_at=now)
    assert digest_lines(now)[-1] == line


def test_a_message_older_than_three_days_is_refused_without_a_request() -> None:
    old = timezone.now() - timedelta(days=4)
    notice = Notice.objects.create(name="old", title="Old", lines=[], created_at=old)
    assert deliver(SlackClient("token", "http://127.0.0.1:9/api/", timeout=1), seconds=1.0).posted == 0
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == ("refused", "not posted within three days")
