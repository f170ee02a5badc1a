"""The progress of a run reaches the ledger, seldom, and never from within a page."""

from typing import Any

import pytest
from django.db import transaction

from core.collectors.progress import RecordedProgress, Silence
from core.collectors.result import MOST_SCOPES, ScopeReport, stored_reports
from core.models import CollectorRun
from core.runs import recorded_run

pytestmark = pytest.mark.django_db(transaction=True)


def told(run: CollectorRun) -> dict[str, Any]:
    return CollectorRun.objects.get(pk=run.pk).progress


def test_progress_is_written_at_most_once_a_second(django_assert_num_queries: Any) -> None:
    with recorded_run("github", {}) as run:
        progress = RecordedProgress(run, Silence())
        progress.begin("run")
        assert told(run)["phase"] == "run"
        with django_assert_num_queries(0):
            progress.expect("a/b", "issues", 1000)
            for _ in range(500):
                progress.advance(2)
        progress._next = 0.0  # a second later
        progress.advance(0)
    assert (told(run)["scope"], told(run)["seen"], told(run)["total"]) == ("a/b", 1000, 1000)


def test_a_page_does_not_take_the_progress_with_it() -> None:
    with recorded_run("github", {}) as run:
        progress = RecordedProgress(run, Silence())
        with transaction.atomic():
            progress.expect("a/b", "issues", None)
            transaction.set_rollback(True)
        progress.advance(1)
    assert told(run)["stream"] == "issues"


def test_reports_that_fell_short_come_first_and_without_secrets() -> None:
    reports = [ScopeReport(scope=f"a/{n}", outcome="succeeded") for n in range(MOST_SCOPES)]
    token = "ghp_" + "a" * 36
    kept = stored_reports([*reports, ScopeReport(scope="z/z", outcome="failed", reason=f"token {token}")])
    assert len(kept) == MOST_SCOPES
    assert kept[0]["scope"] == "z/z"
    assert token not in kept[0]["reason"]
