"""The demo, as a new user runs it."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Activity
from discord_activity_tracker.models import Guild
from github_activity_tracker.models import Repository

pytestmark = pytest.mark.django_db(transaction=True)
MOST_LINES = 40


@pytest.mark.slow
def test_the_demo_tells_all_in_forty_lines_and_may_run_twice() -> None:
    for _ in range(2):
        out = StringIO()
        call_command("demo", stdout=out)
        assert len(out.getvalue().splitlines()) <= MOST_LINES
        assert out.getvalue().count('search "') == 3
        assert "http://127.0.0.1:8000" in out.getvalue()
        for search in out.getvalue().split('search "')[1:]:
            assert "saltmarsh-works/" in search, "found on GitHub"
            assert "Saltmarsh Works/" in search, "found on Discord"
    kept: Any = Activity.objects.filter(deleted_at=None)
    assert kept.count() > 300
    assert kept.filter(source_system="discord").count() > 50
    assert not Repository.objects.get().enabled
    assert not Guild.objects.get().enabled
