"""Tests that the progress of a run is stored at most once a second, and never inside a transaction."""

from typing import Any

import pytest
from django.db import transaction

from core.collectors.abstract import MOST_SCOPES, ScopeReport, stored_reports
from core.collectors.progress import RecordedProgress, Silence
from core.models import CollectorRun
from core.runs import recorded_run

pytestmark = pytest.mark.django_db(transaction=True)


def stored_progress(run: CollectorRun) -> dict[str, Any]:
    return CollectorRun.objects.get(pk=run.pk).progress


def test_progress_is_stored_at_most_once_a_second(django_assert_num_queries: Any) -> None:
    with recorded_run("github", {}) as run:
        progress = RecordedProgress(run, Silence())
        progress.begin("run")
        assert stored_progress(run)["phase"] == "run"
        with django_assert_num_queries(0):
            progress.expect("a/b", "issues", 1000)
            for _ in range(500):
                progress.advance(2)
        progress._next = 0.0  # as if a second had passed
        progress.advance(0)
    assert (stored_progress(run)["scope"], stored_progress(run)["seen"], stored_progress(run)["total"]) == (
        "a/b",
        1000,
        1000,
    )


def test_a_rollback_does_not_undo_the_progress() -> None:
    with recorded_run("github", {}) as run:
        progress = RecordedProgress(run, Silence())
        with transaction.atomic():
            progress.expect("a/b", "issues", None)
            transaction.set_rollback(True)
        progress.advance(1)
    assert stored_progress(run)["stream"] == "issues"


def test_incomplete_reports_come_first_and_without_secrets() -> None:
    reports = [ScopeReport(scope=f"a/{n}", outcome="succeeded") for n in range(MOST_SCOPES)]
    token = "ghp_" + "a" * 36
    kept = stored_reports([*reports, ScopeReport(scope="z/z", outcome="failed", reason=f"token {token}")])
    assert len(kept) == MOST_SCOPES
    assert kept[0]["scope"] == "z/z"
    assert token not in kept[0]["reason"]
