"""The ledger, locks, skips; and writing many rows at once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.models import CollectorRun, Scope, SkippedItem
from core.models.upsert import upsert
from core.operations.budgets import BudgetRow, reconcile
from core.runs import clear_skips, record_skip, recorded_run, scope_lock

pytestmark = pytest.mark.django_db(transaction=True)


def in_another_session(work: Any) -> Any:
    """What a piece of work returns on a database connection of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_scope_is_held_by_one_session() -> None:
    def attempt() -> bool:
        with scope_lock("github", "1", patience=0) as held:
            return held

    with scope_lock("github", "1") as held:
        assert held
        assert in_another_session(attempt) is False
    assert in_another_session(attempt) is True


def test_a_run_that_died_is_marked_interrupted_by_the_next() -> None:
    dead = CollectorRun.objects.create(collector="github", host="h", pid=1, started_at=timezone.now())
    with recorded_run("github", {}) as run:
        assert CollectorRun.objects.get(pk=dead.pk).outcome == "interrupted"
        assert CollectorRun.objects.get(pk=run.pk).outcome == "running"


def skip() -> SkippedItem:
    """The same skip again."""
    record_skip(collector="github", scope="1", stream="issues", external_id="7", reason="malformed")
    return SkippedItem.objects.get()


def test_a_skip_is_counted_once_and_its_attempts_grow() -> None:
    assert skip().attempts == 1
    assert skip().attempts == 2
    assert clear_skips(collector="github", scope="1", stream="issues", external_id="7") == 1
    assert SkippedItem.objects.get().cleared_at
    assert skip().cleared_at is None


def row(name: str, external_id: str = "1") -> dict[str, Any]:
    """A scope."""
    return {"source_system": "github", "external_id": external_id, "name": name, "url": ""}


KEY = ["source_system", "external_id"]


def test_a_row_is_inserted_updated_or_left_alone() -> None:
    assert upsert(Scope, [row("a")], key=KEY).inserted
    assert upsert(Scope, [row("b")], key=KEY).updated
    assert not upsert(Scope, [row("b")], key=KEY).changed


def test_of_rows_with_one_key_the_last_counts() -> None:
    upsert(Scope, [row("a"), row("b")], key=KEY)
    assert Scope.objects.get().name == "b"


def test_kept_fields_survive_an_update() -> None:
    upsert(Scope, [row("a")], key=KEY)
    upsert(Scope, [row("b")], key=KEY, keep=["name"])
    assert Scope.objects.get().name == "a"


def budget(remaining: int | None, minutes: int) -> BudgetRow:
    """What one process was told."""
    at = timezone.now().replace(microsecond=0) + timedelta(minutes=minutes)
    return BudgetRow(
        source_system="github", account="a", resource="core", limit=5000, remaining=remaining, resets_at=at,
        not_before=None,
    )  # fmt: skip


def test_of_one_window_the_smaller_remainder_counts_and_a_later_window_replaces_it() -> None:
    assert reconcile(budget(10, 5)).remaining == 10
    assert reconcile(budget(20, 5)).remaining == 10
    assert reconcile(budget(4000, 65)).remaining == 4000
    assert reconcile(budget(3, 5)).remaining == 4000
