"""Tests of the ledger of runs, the skips of items, and the budgets that processes share."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.db.budgets import BudgetRow, correct, reconcile
from core.ingest.skips import clear_skips, record_skip
from core.models import CollectorRun, SkippedItem
from core.runs import current_run, finish_run, recorded_run

pytestmark = pytest.mark.django_db


def test_a_run_is_in_the_ledger_from_its_start_to_its_end() -> None:
    with recorded_run("github", {"full": "True"}) as run:
        kept = CollectorRun.objects.get()
        assert (kept.outcome, kept.finished_at, kept.options) == ("running", None, {"full": "True"})
        assert current_run() == run
        finish_run(run, "partial", counts={"issues": 2}, requests=3, category="rate_limit", error="later")
    kept = CollectorRun.objects.get()
    assert (kept.outcome, kept.counts, kept.requests) == ("partial", {"issues": 2}, 3)
    assert kept.finished_at is not None
    assert current_run() is None


def test_a_run_that_died_is_marked_interrupted_by_the_next_of_its_collector() -> None:
    dead = {"host": "h", "pid": 1, "started_at": timezone.now()}
    ours, other = (CollectorRun.objects.create(collector=name, **dead).pk for name in ("github", "discord"))
    with recorded_run("github", {}) as run:
        outcomes = dict(CollectorRun.objects.values_list("pk", "outcome"))
    assert outcomes == {ours: "interrupted", other: "running", run.pk: "running"}
    assert CollectorRun.objects.get(pk=ours).finished_at is not None


def skip(external_id: str = "7", **more: Any) -> SkippedItem:
    """Record a failed attempt to read an item, and return the skip of the item."""
    record_skip(collector="github", scope="1", stream="issues", external_id=external_id, reason="malformed", **more)
    return SkippedItem.objects.get(external_id=external_id)


def test_a_skip_is_counted_once_and_its_attempts_grow() -> None:
    first = skip(payload={"id": 7})
    again = skip(payload={"id": 7, "title": None})
    assert (first.attempts, again.attempts) == (1, 2)
    assert again.payload == {"id": 7, "title": None}
    assert again.first_seen_at == first.first_seen_at < again.last_seen_at


def test_a_skip_is_cleared_by_success_and_may_return() -> None:
    skip()
    skip("8")
    assert clear_skips(collector="github", scope="1", stream="other") == 0
    assert clear_skips(collector="github", scope="1", stream="issues", external_id="7") == 1
    assert set(SkippedItem.objects.filter(cleared_at=None).values_list("external_id", flat=True)) == {"8"}
    assert skip().cleared_at is None
    assert clear_skips(collector="github", scope="1", stream="issues") == 2


def test_a_skip_knows_its_run() -> None:
    with recorded_run("github", {}) as run:
        assert skip().run == run


def budget(remaining: int | None, minutes: float, rest: float | None = None) -> BudgetRow:
    """Return a budget with ``remaining`` requests in a window that ends in ``minutes`` minutes.

    If ``rest`` is given, no request may be sent for ``rest`` minutes.
    """
    now = timezone.now().replace(microsecond=0)
    return BudgetRow(
        source_system="github", account="a", resource="core", limit=5000, remaining=remaining,
        resets_at=now + timedelta(minutes=minutes), not_before=rest and now + timedelta(minutes=rest),
    )  # fmt: skip


def test_the_smaller_remainder_of_a_window_wins_and_a_later_window_replaces_it() -> None:
    assert reconcile(budget(10, 5)).remaining == 10
    assert reconcile(budget(20, 5)).remaining == 10
    assert reconcile(budget(4000, 65)).remaining == 4000
    assert reconcile(budget(3, 5)).remaining == 4000
    correct(budget(4900, 65))
    assert reconcile(budget(4950, 65)).remaining == 4900


def test_a_wait_that_one_process_received_applies_to_all() -> None:
    first = reconcile(budget(10, 5, rest=3))
    assert reconcile(budget(10, 5)).not_before == first.not_before is not None
