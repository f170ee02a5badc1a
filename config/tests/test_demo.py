"""The demo, as a stranger runs it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity
from github_activity_tracker.models import Repository

pytestmark = pytest.mark.django_db(transaction=True)
MOST_LINES = 40


def test_the_demo_tells_all_in_forty_lines_and_may_run_twice() -> None:
    for _ in range(2):
        out = StringIO()
        call_command("demo", stdout=out)
        assert len(out.getvalue().splitlines()) <= MOST_LINES
        assert out.getvalue().count('search "') == 3
        assert "http://127.0.0.1:8000" in out.getvalue()
    kept: Any = Activity.objects.filter(deleted_at=None)
    assert kept.count() > 300
    assert not Repository.objects.get().enabled
